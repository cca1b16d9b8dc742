"""Four ways to repair a frozen classifier, on the same model, protected points and edits."""
