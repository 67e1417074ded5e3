"""The command line: scan, render, models, analyse, doctor. Qt-free."""
