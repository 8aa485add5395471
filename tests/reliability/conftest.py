from tests.resilience.conftest import fleet, rig, simulator, timing

__all__ = ["fleet", "rig", "simulator", "timing"]
