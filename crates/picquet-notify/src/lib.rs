//! Alerts and incidents out of the workspace: webhook, JSON lines, syslog, e-mail.
