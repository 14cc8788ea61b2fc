//! Why a run was not, or not wholly, a success.

use crate::enums::named_enum;

named_enum! {
    /// The result of a run, in one word.
    HealthStatus, "health status" {
        /// It ran.
        Success => "Success",
        /// [I] It ran and its alerts exist, but something is missing from them. The documentation lists what that may
        /// be among the failures; health queries that count failures should not count such a run.
        PartialSuccess => "Partial success",
        /// It did not run to its end.
        Failure => "Failure",
    }
}

named_enum! {
    /// Why a run was no success (spec section 2.2). The name is ours, the text is what the health table shows.
    HealthReason, "health reason" {
        /// The engine failed.
        InternalError => "InternalError",
        /// The query took too long.
        Timeout => "Timeout",
        /// The query names a table that does not exist.
        TableNotFound => "TableNotFound",
        /// The query has an error that is not one of syntax.
        SemanticError => "SemanticError",
        /// A function has a name that is a word of KQL.
        FunctionNameReserved => "FunctionNameReserved",
        /// The query cannot be parsed.
        SyntaxError => "SyntaxError",
        /// The rule's own workspace is gone.
        WorkspaceMissing => "WorkspaceMissing",
        /// The query takes too much memory or too many rows.
        TooManyResources => "TooManyResources",
        /// The query calls a function that does not exist.
        FunctionNotFound => "FunctionNotFound",
        /// The query names a workspace that does not exist.
        WorkspaceNotFound => "WorkspaceNotFound",
        /// The query may not be run.
        NoPermission => "NoPermission",
        /// Something that the query reads may not be read.
        NoResourceAccess => "NoResourceAccess",
        /// External data that the query reads is not there.
        StorageNotFound => "StorageNotFound",
        /// External data that the query reads may not be read.
        StorageDenied => "StorageDenied",
        /// Several functions have one name.
        DuplicateFunctionNames => "DuplicateFunctionNames",
        /// The query gave no table.
        NoResult => "NoResult",
        /// The query gave several tables.
        MultipleResultSets => "MultipleResultSets",
        /// Rows have unequal widths.
        InconsistentFieldCount => "InconsistentFieldCount",
        /// The run waited for late logs.
        IngestionDelay => "IngestionDelay",
        /// The run waited for something else.
        TemporaryDelay => "TemporaryDelay",
        /// The alert lacks entities or details, for a reason that passes.
        EnrichmentFailed => "EnrichmentFailed",
        /// The alert lacks entities, for a mapping is wrong.
        EntityMapping => "EntityMapping",
        /// Entities did not fit into the alert.
        EntitiesDroppedForSize => "EntitiesDroppedForSize",
        /// Entities could not be made, for a mapping is wrong.
        EntitiesDroppedForMapping => "EntitiesDroppedForMapping",
        /// More rows than there may be alerts.
        AlertLimit => "AlertLimit",
        /// The rule is off, by hand or after too many failures.
        RuleDisabled => "RuleDisabled",
    }
}

impl HealthReason {
    /// The text of the `Reason` column. Texts that the documentation gives with numbers and names stand here without;
    /// the `Description` column has them.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::InternalError => "An internal server error occurred while running the query.",
            Self::Timeout => "The query execution timed out.",
            Self::TableNotFound => "A table referenced in the query was not found.",
            Self::SemanticError => "A semantic error occurred while running the query.",
            Self::FunctionNameReserved => "A function called by the query is named with a reserved word.",
            Self::SyntaxError => "A syntax error occurred while running the query.",
            Self::WorkspaceMissing => "The workspace does not exist.",
            Self::TooManyResources => {
                "This query was found to use too many system resources and was prevented from running."
            }
            Self::FunctionNotFound => "A function called by the query was not found.",
            Self::WorkspaceNotFound => "The workspace used in the query was not found.",
            Self::NoPermission => "You don't have permissions to run this query.",
            Self::NoResourceAccess => "You don't have access permissions to one or more of the resources in the query.",
            Self::StorageNotFound => "The query referred to a storage path that was not found.",
            Self::StorageDenied => "The query was denied access to a storage path.",
            Self::DuplicateFunctionNames => "Multiple functions with the same name are defined in this workspace.",
            Self::NoResult => "This query did not return any result.",
            Self::MultipleResultSets => "Multiple result sets in this query are not allowed.",
            Self::InconsistentFieldCount => "Query results contain inconsistent number of fields per row.",
            Self::IngestionDelay => "The rule's running was delayed due to long data ingestion times.",
            Self::TemporaryDelay => "The rule's running was delayed due to temporary issues.",
            Self::EnrichmentFailed => "The alert was not enriched due to temporary issues.",
            Self::EntityMapping => "The alert was not enriched due to entity mapping issues.",
            Self::EntitiesDroppedForSize => "Entities were dropped due to the alert size limit.",
            Self::EntitiesDroppedForMapping => "Entities were dropped due to entity mapping issues.",
            Self::AlertLimit => "The query resulted in more events than the maximum of alerts allowed.",
            Self::RuleDisabled => "The analytics rule is disabled and was not executed.",
        }
    }

    /// Whether the run would fail again however often it is tried (spec section 2.2): a table, workspace, function or
    /// path is gone, a function is invalid, access is lost, or the query is too expensive. Such failures count towards
    /// disabling the rule; all others are tried again.
    ///
    /// [I] Errors of the query's own text are permanent too: syntax, semantics, several result sets, unequal rows.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(
            self,
            Self::TableNotFound
                | Self::WorkspaceMissing
                | Self::WorkspaceNotFound
                | Self::FunctionNotFound
                | Self::FunctionNameReserved
                | Self::DuplicateFunctionNames
                | Self::NoPermission
                | Self::NoResourceAccess
                | Self::StorageNotFound
                | Self::StorageDenied
                | Self::TooManyResources
                | Self::SyntaxError
                | Self::SemanticError
                | Self::MultipleResultSets
                | Self::InconsistentFieldCount
        )
    }
}
