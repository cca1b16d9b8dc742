"""The face of the project: the command line, exact input files, pictures and the demo."""
