//! The workspace: log tables as Delta Lake, state in SQLite.
