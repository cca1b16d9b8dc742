"""Four ways to repair a frozen classifier, on the same model, protected points and edits.

python -m benchmarks.patching [--quick] [--to FOLDER] [--only CASE ..]
"""
