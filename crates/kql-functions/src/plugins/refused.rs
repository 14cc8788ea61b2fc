//! Plugins that are known and left out on purpose.

/// What is missing here for a plugin, as the end of a sentence; `None` for any other name.
pub fn refused(plugin: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(name, _)| *name == plugin).map(|(_, why)| *why)
}

const NO_REQUESTS: &str = "it sends requests over the network, and queries are answered from local data alone";
const NO_DATABASE: &str = "it queries a database of another service, and queries are answered from local data alone";
const NO_MODEL: &str = "it sends its input to a model of Azure OpenAI, and queries are answered from local data alone";
const NO_SCRIPTS: &str = "it runs a script in a sandbox of the Kusto service, and there is no such sandbox here";
const NO_CLUSTER: &str = "it asks a cluster of the Kusto service, and there is none here";
const NO_STORAGE: &str = "it reads the files of Azure storage accounts, and queries are answered from local data alone";

const REFUSED: &[(&str, &str)] = &[
    ("ai_chat_completion", NO_MODEL),
    ("ai_chat_completion_prompt", NO_MODEL),
    ("ai_embed_text", NO_MODEL),
    ("ai_embeddings", NO_MODEL),
    ("azure_digital_twins_query_request", NO_DATABASE),
    ("cosmosdb_sql_request", NO_DATABASE),
    ("csharp", NO_SCRIPTS),
    ("dax_request", NO_DATABASE),
    ("execute_query", NO_CLUSTER),
    ("execute_show_command", NO_CLUSTER),
    ("external_datatable", "it reads a table that a client sends along with the query, and none can be sent here"),
    ("http_request", NO_REQUESTS),
    ("http_request_post", NO_REQUESTS),
    ("identity_v3", "what it does is not documented"),
    ("infer_storage_schema_with_suggestions", NO_STORAGE),
    ("mysql_request", NO_DATABASE),
    ("postgresql_request", NO_DATABASE),
    ("python", NO_SCRIPTS),
    ("r", NO_SCRIPTS),
    ("sql_request", NO_DATABASE),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalogue;
    use crate::plugins::plugin;

    #[test]
    fn known_and_not_run() {
        for (name, _) in REFUSED {
            assert!(Catalogue::get().plugin(name).is_some() && plugin(name).is_none(), "{name}");
        }
    }
}
