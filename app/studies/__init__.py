"""Studies: from files on disk to volumes with grey values. Two doors: ``scan`` lists, ``load`` reads pixels.

Inside, each room uses only those after it: ``series`` (volumes, views, phases), ``pixels`` (decoding, grey values),
``files`` (what a file is, and whether it is safe), ``study`` and ``errors``.
"""
