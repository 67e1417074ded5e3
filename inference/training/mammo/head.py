"""The classifier of a tail by logistic regression on what its last bottleneck sees: baseline, and start of training."""

from __future__ import annotations

import copy

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from inference.nets.patch_resnet import CASE, PatchTail

STRENGTH = 1e-3  # inverse strength of the ridge penalty on standardised features
_AT_ONCE = 128


def pooled(tail: PatchTail, features: np.ndarray) -> np.ndarray:
    """Return the mean of what the last bottleneck makes of trunk features (n, 2048, rows, columns): (n, 2048)."""
    found = [np.zeros((0, features.shape[1]), np.float32)]
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for first in range(0, len(features), _AT_ONCE):
            batch = torch.from_numpy(features[first : first + _AT_ONCE]).float()
            seen = tail.block(batch.to(memory_format=torch.channels_last))
            found.append(seen.float().mean(dim=(2, 3)).numpy())
    return np.concatenate(found)


def with_head(tail: PatchTail, seen: np.ndarray, labels: np.ndarray, strength: float = STRENGTH) -> PatchTail:
    """Return a copy of a tail whose classifier is a logistic regression, cases and controls weighing the same.

    Parameters
    ----------
    seen
        (n, 2048) of :func:`pooled`.
    labels
        (n,) 1 for cases, 0 for controls.
    strength
        Inverse strength of the penalty on standardised features.
    """
    scaler = StandardScaler().fit(seen)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=500, tol=1e-3)
    model.fit(scaler.transform(seen), labels)
    weight = np.ravel(model.coef_) / np.asarray(scaler.scale_)
    bias = np.ravel(model.intercept_)[0] - weight @ np.asarray(scaler.mean_)
    made = copy.deepcopy(tail)
    with torch.no_grad():  # control before case: softmax of (-z/2, z/2) is the sigmoid of z
        made.fc.weight.copy_(torch.from_numpy(np.stack([-weight, weight]) / 2))
        made.fc.bias.copy_(torch.from_numpy(np.array([-bias, bias]) / 2))
    return made


def head_scores(tail: PatchTail, seen: np.ndarray) -> np.ndarray:
    """Return the probability of the class "case" from what the last bottleneck saw, (n,) float32."""
    with torch.inference_mode():
        return tail.fc(torch.from_numpy(seen)).softmax(dim=1)[:, CASE].numpy()
