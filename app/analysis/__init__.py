"""Analysis: from what a reader looks at to the engine's exam, and from there to a result. Qt-free."""

from app.analysis.candidates import Candidate, candidates, is_post_contrast
from app.analysis.exams import Built, build, build_exam, exam_for
from app.analysis.lesions import LesionSources, lesions_from
from app.analysis.running import Load, analyse, refusal, run_subject
from app.analysis.scope import refusal_for, refusal_of, refusals, subjects
from app.analysis.subjects import WHOLE, Subject, subject_for, whole_subjects

__all__ = [
    "WHOLE",
    "Built",
    "Candidate",
    "LesionSources",
    "Load",
    "Subject",
    "analyse",
    "build",
    "build_exam",
    "candidates",
    "exam_for",
    "is_post_contrast",
    "lesions_from",
    "refusal",
    "refusal_for",
    "refusal_of",
    "refusals",
    "run_subject",
    "subject_for",
    "subjects",
    "whole_subjects",
]
