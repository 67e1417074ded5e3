"""Statistics of trained models: pure functions of numpy arrays, from scikit-learn and scipy where these have them.

Truth is 1 (diseased), 0 (not), or NaN where it is unknown; unknown cases count nowhere. Scores rise with suspicion, and
a case is positive where score ≥ threshold. scikit-learn and scipy are imported with the first call.
"""
