//! picquet-detect
