"""Workspace: the user's boxes, results and settings of a study, in a database that survives a crash. Qt-free."""
