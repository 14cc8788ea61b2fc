//! What could be better, or is probably not meant.

pub(crate) mod array_in_entity;
pub(crate) mod contains_as_has;
pub(crate) mod contains_word;
pub(crate) mod description_style;
pub(crate) mod gap_between_runs;
pub(crate) mod large_left_side;
pub(crate) mod leading_wildcard;
pub(crate) mod lookback_beyond_period;
pub(crate) mod name_style;
pub(crate) mod name_words;
pub(crate) mod never_matching_case;
pub(crate) mod old_spelling;
pub(crate) mod override_type;
pub(crate) mod period_beyond_lookback;
pub(crate) mod several_columns_in;
pub(crate) mod technique_without_tactic;
pub(crate) mod unfiltered_table;
