//! What Microsoft's content repository demands.

pub(crate) mod column_name_form;
pub(crate) mod data_types;
pub(crate) mod file_ending;
pub(crate) mod id_changed;
pub(crate) mod id_form;
pub(crate) mod incomplete_entity;
pub(crate) mod legacy_entity_column;
pub(crate) mod missing_key;
pub(crate) mod missing_tactic;
pub(crate) mod not_ascii;
pub(crate) mod unknown_connector;
pub(crate) mod unknown_technique;
pub(crate) mod version_form;
pub(crate) mod version_not_raised;
