"""Background polling: when each account is read, and which page is published."""
