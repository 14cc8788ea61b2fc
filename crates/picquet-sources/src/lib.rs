//! picquet-sources
