"""How the fleet is doing, as a page for people and as JSON."""
