"""One module per model family. A module is found by the name in a card's ``family``; nothing else lists them.

A family module has five functions, called in this order by :func:`inference.run.run`; a sixth family is one more file.

``load(card, device)``
    Read the weights; the returned model is kept and used by several threads at once, so it must not be changed.
``prepare(card, exam)``
    Exam to network input, with all that is needed to find the way back to the patient.
``predict(model, prepared, progress)``
    Run the network; calls ``progress.check()`` at least twice a second.
``interpret(card, exam, prepared, prediction)``
    Return a :class:`inference.run.Reading`.
"""
