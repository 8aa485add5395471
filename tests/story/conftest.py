from tests.resilience.conftest import clock, fleet, rig, simulator

__all__ = ["clock", "fleet", "rig", "simulator"]
