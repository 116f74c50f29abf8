"""How good a model is, for whom it is worse, and what its figures cannot say."""

from XRayAILib.learning.evaluation.run import bootstrap_interval, evaluate, summarise

__all__ = ["bootstrap_interval", "evaluate", "summarise"]
