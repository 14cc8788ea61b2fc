//! Templates of what is sent (minijinja).

use minijinja::value::ViaDeserialize;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use serde_json::Value as Json;

use crate::entities;
use crate::error::{KeyError, SendError};
use crate::message::{Event, EventKind, Message};

/// A template that has rendered samples of all that it will get.
#[derive(Debug)]
pub(crate) struct Template {
    env: Environment<'static>,
}

/// The only template of an environment.
const NAME: &str = "it";

impl Template {
    /// A template of plain text, JSON or the like: nothing is escaped by itself.
    pub fn text(key: &'static str, source: &str, events: &[EventKind]) -> Result<Self, KeyError> {
        Self::new(key, source, AutoEscape::None, events)
    }

    /// A template of HTML: values are escaped.
    pub fn html(key: &'static str, source: &str, events: &[EventKind]) -> Result<Self, KeyError> {
        Self::new(key, source, AutoEscape::Html, events)
    }

    fn new(key: &'static str, source: &str, escape: AutoEscape, events: &[EventKind]) -> Result<Self, KeyError> {
        let mut env = Environment::new();
        env.set_auto_escape_callback(move |_| escape);
        env.set_trim_blocks(true);
        env.set_lstrip_blocks(true);
        env.set_debug(true);
        env.add_filter("json", json);
        env.add_filter("entities", |value: ViaDeserialize<Json>| Value::from_serialize(entities::of(&value)));
        env.add_filter("label", |entity: ViaDeserialize<Json>| entities::label(&entity));
        env.add_template_owned(NAME, source.to_owned())
            .map_err(|error| KeyError::new(key, explained(&error, source)))?;
        // A misspelt name is an error while the configuration is read; once running, a record that lacks a column is sent without.
        env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        let mut template = Self { env };
        for event in Event::ALL.into_iter().filter(|event| events.contains(&event.kind())) {
            template
                .rendered(&Message::sample(event))
                .map_err(|error| KeyError::new(key, format!("for {event}: {}", explained(&error, source))))?;
        }
        template.env.set_undefined_behavior(UndefinedBehavior::Chainable);
        Ok(template)
    }

    /// The text for a message.
    pub fn render(&self, message: &Message) -> Result<String, SendError> {
        self.rendered(message).map_err(|error| SendError::never(format!("template: {error}")))
    }

    fn rendered(&self, message: &Message) -> Result<String, Error> {
        let context = context! {
            message => context! {
                id => message.id,
                event => message.event,
                severity => message.severity,
                rule_id => message.rule_id,
                rule_name => message.rule_name,
                order_key => message.order_key,
                created => message.created,
            },
            title => message.title(),
            link => message.link(),
            record => Value::from_serialize(&message.body),
            alerts => Value::from_serialize(message.alerts()),
        };
        self.env.get_template(NAME)?.render(context)
    }
}

/// A value as JSON.
fn json(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Ok("null".to_owned());
    }
    serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// The error with its line, and the part of the template that it is about.
fn explained(error: &Error, source: &str) -> String {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let part =
        error.range().and_then(|range| source.get(range)).filter(|part| !part.is_empty() && !part.contains('\n'));
    let part = part.map(|part| format!(" at `{part}`")).unwrap_or_default();
    match error.line() {
        Some(line) => format!("line {line}: {what}{part}"),
        None => format!("{what}{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [EventKind; 2] = [EventKind::Alert, EventKind::Incident];

    fn render(source: &str, event: Event) -> String {
        Template::text("template", source, &[event.kind()]).unwrap().render(&Message::sample(event)).unwrap()
    }

    #[test]
    fn variables_and_filters() {
        let cases = [
            (
                "{{ message.event }} {{ message.severity }} {{ message.created }}",
                "alert.raised Medium 1970-01-01T00:00:00Z",
            ),
            ("{{ message.order_key is none }}", "True"),
            ("{{ title | json }}", r#""Sample: sign-ins from two countries""#),
            ("{{ record.Tactics }} {{ alerts | length }}", "InitialAccess 1"),
            (
                "{% for e in record | entities %}\n{{ e.Type }}={{ e | label }};\n{% endfor %}\n",
                "account=sample.user@example.com;\nip=192.0.2.1;\n",
            ),
            ("{{ (record.Entities | entities)[1] | json }}", r#"{"Address":"192.0.2.1","Type":"ip"}"#),
            ("{{ {'a': [1, none, '<\"']} | json }}", r#"{"a":[1,null,"<\""]}"#),
            ("{% if record.IncidentNumber %}#{{ record.IncidentNumber }}{% else %}none{% endif %}", "none"),
            ("{{ record.Nothing | default('-') }}", "-"),
            ("<{{ '&' }}>", "<&>"),
        ];
        for (source, expected) in cases {
            assert_eq!(render(source, Event::AlertRaised), expected, "{source}");
        }
        assert_eq!(
            render("{{ record.IncidentNumber }} {{ link }}", Event::IncidentClosed),
            "1 https://example.com/incidents/1"
        );
    }

    #[test]
    fn html_is_escaped() {
        let template = Template::html(
            "html_template",
            "<p>{{ record.Title }}</p>{{ record.Title | json }}",
            &[EventKind::Incident],
        );
        let mut message = Message::sample(Event::IncidentCreated);
        message.body["Title"] = "<b>&\"".into();
        let text = template.unwrap().render(&message).unwrap();
        assert!(text.starts_with("<p>&lt;b&gt;&amp;&quot;</p>&quot;&lt;b&gt;"), "{text}");
    }

    #[test]
    fn errors_are_found_with_samples() {
        let cases = [
            ("{{ record.AlertNmae }}", "for alert.raised: line 1: undefined value at `record.AlertNmae`"),
            ("\n{{ record.IncidentNumber }}", "for alert.raised: line 2: undefined value at `record.IncidentNumber`"),
            ("{{ title | shout }}", "for alert.raised: line 1: unknown filter: filter shout is unknown at `shout`"),
            ("a\n{% if title %}", "line 2: syntax error: unexpected end of input, expected end of block at `%}`"),
        ];
        for (source, expected) in cases {
            let error = Template::text("template", source, &BOTH).unwrap_err();
            assert_eq!(error, KeyError::new("template", expected), "{source}");
        }
    }

    #[test]
    fn a_record_without_the_column_is_still_sent() {
        let template =
            Template::text("template", "[{{ record.Title }}{{ record.Owner.email }}]", &[EventKind::Incident]).unwrap();
        let mut message = Message::sample(Event::IncidentCreated);
        message.body = Json::Null;
        assert_eq!(template.render(&message).unwrap(), "[]");
    }
}
