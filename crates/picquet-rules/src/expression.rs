//! ARM template expressions, as far as they stand in rules: `parameters`, `variables`, `concat`, `format`, case.
//!
//! What only a deployment knows (`newGuid()`, `resourceGroup()`, a parameter without a default) stays unresolved and
//! says why.

use crate::node::{Data, Entry, Node};

/// Marks an unknown part in a name that is known but for that part.
pub(crate) const UNKNOWN_PART: char = '\0';

/// Deepest nesting of expressions; parameters whose defaults name each other would not end.
const MAX_DEPTH: usize = 24;

/// A template's parameters and variables; a nested template looks outwards too.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The template.
    pub template: &'a Node,
    /// The template around it.
    pub outer: Option<&'a Scope<'a>>,
    /// The template is a value of another one (`mainTemplate`), which takes one bracket of every escape away.
    pub packaged: bool,
}

type Evaluated = Result<Node, String>;

impl Scope<'_> {
    /// A copy of a node with every expression replaced by its value.
    pub fn resolve(&self, node: &Node) -> Node {
        let data = match &node.data {
            Data::Scalar { text, .. } => return self.resolve_text(node, text, 0),
            Data::List(items) => Data::List(items.iter().map(|item| self.resolve(item)).collect()),
            Data::Object(entries) => Data::Object(
                entries.iter().map(|entry| Entry { value: self.resolve(&entry.value), ..entry.clone() }).collect(),
            ),
            Data::Unresolved { .. } => node.data.clone(),
        };
        Node { line: node.line, span: node.span.clone(), data }
    }

    fn resolve_text(&self, node: &Node, text: &str, depth: usize) -> Node {
        if let Some(literal) = unescaped(text) {
            let literal_node = Node::text(node.line, literal).at(node.span.clone());
            if self.packaged {
                return Scope { packaged: false, ..*self }.resolve_text(&literal_node, literal, depth);
            }
            return literal_node;
        }
        let Some(body) = expression_body(text) else {
            return node.clone();
        };
        let value = parse(body).and_then(|expression| self.evaluate(&expression, depth + 1));
        let data = match value {
            Ok(value) => value.data,
            Err(reason) => Data::Unresolved { text: text.to_owned(), reason },
        };
        Node { line: node.line, span: node.span.clone(), data }
    }

    /// The text of a name or id; parts that stay unknown are [`UNKNOWN_PART`].
    pub fn partial_text(&self, text: &str) -> String {
        match expression_body(text).map(parse) {
            Some(Ok(expression)) => self.partial(&expression),
            Some(Err(_)) => UNKNOWN_PART.to_string(),
            None => text.to_owned(),
        }
    }

    fn partial(&self, expression: &Expression) -> String {
        match expression {
            Expression::Call { name, arguments } if name.eq_ignore_ascii_case("concat") => {
                arguments.iter().map(|part| self.partial(part)).collect()
            }
            Expression::Call { name, arguments } if name.eq_ignore_ascii_case("format") => {
                let parts: Vec<String> = arguments.iter().map(|part| self.partial(part)).collect();
                fill_format(&parts)
            }
            other => self
                .evaluate(other, 0)
                .ok()
                .and_then(|node| node.as_text().map(str::to_owned))
                .unwrap_or_else(|| UNKNOWN_PART.to_string()),
        }
    }

    fn evaluate(&self, expression: &Expression, depth: usize) -> Evaluated {
        if depth > MAX_DEPTH {
            return Err("the expression refers to itself".to_owned());
        }
        match expression {
            Expression::Text(text) => Ok(Node::text(0, text.clone())),
            Expression::Plain(text) => Ok(Node::plain(0, text.clone())),
            Expression::Member { object, key } => {
                let object = self.evaluate(object, depth + 1)?;
                let value = object.get(key).cloned();
                value.ok_or_else(|| format!("the value has no property `{key}`"))
            }
            Expression::Call { name, arguments } => self.call(name, arguments, depth),
        }
    }

    fn call(&self, name: &str, arguments: &[Expression], depth: usize) -> Evaluated {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "parameters" | "variables" => {
                let [key] = arguments else {
                    return Err(format!("`{name}` takes one name"));
                };
                let key = self.evaluate(key, depth + 1)?;
                let key = key.as_text().unwrap_or_default();
                if lower == "parameters" { self.parameter(key, depth) } else { self.variable(key, depth) }
            }
            "concat" | "format" | "tolower" | "toupper" => {
                let mut parts = Vec::new();
                for argument in arguments {
                    let value = self.evaluate(argument, depth + 1)?;
                    let text = value.as_text().map(str::to_owned);
                    parts.push(text.ok_or_else(|| format!("`{name}` of something else than text"))?);
                }
                Ok(Node::text(
                    0,
                    match lower.as_str() {
                        "format" => fill_format(&parts),
                        "tolower" => parts.concat().to_lowercase(),
                        "toupper" => parts.concat().to_uppercase(),
                        _ => parts.concat(),
                    },
                ))
            }
            _ => Err(format!("`{name}()` is known only at deployment")),
        }
    }

    fn lookup(&self, section: &str, key: &str) -> Option<&Node> {
        let own = self.template.get(section).and_then(|node| node.get(key));
        own.or_else(|| self.outer.and_then(|outer| outer.lookup(section, key)))
    }

    fn parameter(&self, key: &str, depth: usize) -> Evaluated {
        let Some(declaration) = self.lookup("parameters", key) else {
            return Err(format!("there is no parameter `{key}`"));
        };
        let Some(default) = declaration.get("defaultValue") else {
            return Err(format!("parameter `{key}` has no default value"));
        };
        self.settled(default, depth)
    }

    fn variable(&self, key: &str, depth: usize) -> Evaluated {
        let Some(value) = self.lookup("variables", key) else {
            return Err(format!("there is no variable `{key}`"));
        };
        self.settled(value, depth)
    }

    fn settled(&self, node: &Node, depth: usize) -> Evaluated {
        if depth > MAX_DEPTH {
            return Err("the expression refers to itself".to_owned());
        }
        let resolved = match &node.data {
            Data::Scalar { text, .. } => self.resolve_text(node, text, depth),
            _ => self.resolve_members(node, depth + 1),
        };
        match resolved.data {
            Data::Unresolved { reason, .. } => Err(reason),
            _ => Ok(resolved),
        }
    }

    /// Resolves inside a variable's object or list, with the depth kept: variables may name each other.
    fn resolve_members(&self, node: &Node, depth: usize) -> Node {
        let one = |value: &Node| match &value.data {
            Data::Scalar { text, .. } if depth <= MAX_DEPTH => self.resolve_text(value, text, depth),
            Data::List(_) | Data::Object(_) if depth <= MAX_DEPTH => self.resolve_members(value, depth + 1),
            _ => value.clone(),
        };
        let data = match &node.data {
            Data::List(items) => Data::List(items.iter().map(one).collect()),
            Data::Object(entries) => {
                Data::Object(entries.iter().map(|entry| Entry { value: one(&entry.value), ..entry.clone() }).collect())
            }
            other => other.clone(),
        };
        Node { line: node.line, span: node.span.clone(), data }
    }
}

/// What stands between the brackets of an expression; none for other texts. Text that only starts with a bracket
/// (`[Deprecated] Name`) is no expression.
fn expression_body(text: &str) -> Option<&str> {
    let body = text.strip_prefix('[')?.strip_suffix(']')?;
    (!body.starts_with('[')).then_some(body)
}

/// `[[…]` is a literal `[…]`; text that does not end in a bracket needs no escape and has none.
fn unescaped(text: &str) -> Option<&str> {
    (text.starts_with("[[") && text.ends_with(']')).then(|| &text[1..])
}

/// Puts the parts after the first into its `{n}` places.
fn fill_format(parts: &[String]) -> String {
    let Some((format, values)) = parts.split_first() else {
        return String::new();
    };
    let mut text = format.clone();
    for (index, value) in values.iter().enumerate() {
        text = text.replace(&format!("{{{index}}}"), value);
    }
    text
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Text(String),
    Plain(String),
    Call { name: String, arguments: Vec<Expression> },
    Member { object: Box<Expression>, key: String },
}

fn parse(body: &str) -> Result<Expression, String> {
    let mut parser = Parser { rest: body };
    let expression = parser.expression(0)?;
    if parser.rest.trim().is_empty() { Ok(expression) } else { Err("the expression cannot be read".to_owned()) }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, wanted: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > MAX_DEPTH {
            return Err("the expression is nested too deeply".to_owned());
        }
        let mut expression = self.primary(depth)?;
        loop {
            if self.eat('.') {
                let key = self.word()?;
                expression = member(expression, key);
            } else if self.eat('[') {
                let Expression::Text(key) = self.expression(depth + 1)? else {
                    return Err("an index that is no text".to_owned());
                };
                if !self.eat(']') {
                    return Err("the expression cannot be read".to_owned());
                }
                expression = member(expression, key);
            } else {
                return Ok(expression);
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Expression, String> {
        if self.eat('\'') {
            return self.text();
        }
        let word = self.word()?;
        if !self.eat('(') {
            return Ok(Expression::Plain(word));
        }
        let mut arguments = Vec::new();
        if !self.eat(')') {
            loop {
                arguments.push(self.expression(depth + 1)?);
                if self.eat(')') {
                    break;
                }
                if !self.eat(',') {
                    return Err("the expression cannot be read".to_owned());
                }
            }
        }
        Ok(Expression::Call { name: word, arguments })
    }

    fn word(&mut self) -> Result<String, String> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(self.rest.len());
        if end == 0 {
            return Err("the expression cannot be read".to_owned());
        }
        let word = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        Ok(word)
    }

    /// The rest of a text in single quotes; a doubled quote is one.
    fn text(&mut self) -> Result<Expression, String> {
        let mut text = String::new();
        loop {
            let Some(end) = self.rest.find('\'') else {
                return Err("text without an end in the expression".to_owned());
            };
            text.push_str(&self.rest[..end]);
            self.rest = &self.rest[end + 1..];
            if let Some(rest) = self.rest.strip_prefix('\'') {
                text.push('\'');
                self.rest = rest;
            } else {
                return Ok(Expression::Text(text));
            }
        }
    }
}

fn member(object: Expression, key: String) -> Expression {
    Expression::Member { object: Box::new(object), key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template() -> Node {
        Node::from_json(
            1,
            &json!({
                "parameters": {
                    "Period": {"type": "string", "defaultValue": "PT1H"},
                    "count": {"defaultValue": 3},
                    "open": {"type": "string"},
                    "made": {"defaultValue": "[newGuid()]"},
                    "loop": {"defaultValue": "[parameters('loop')]"},
                },
                "variables": {
                    "v": "[concat(parameters('period'), '-', 'it''s')]",
                    "object": {"id": "[toLower('ABC')]", "list": [1]},
                },
            }),
        )
    }

    #[test]
    fn values() {
        let template = template();
        let scope = Scope { template: &template, outer: None, packaged: false };
        let cases = [
            ("[parameters('period')]", Ok(json!("PT1H"))),
            ("[parameters('count')]", Ok(json!(3))),
            ("[variables('v')]", Ok(json!("PT1H-it's"))),
            ("[variables('object').id]", Ok(json!("abc"))),
            ("[variables('object')['list']]", Ok(json!([1]))),
            ("[format('{0}/{1}', 'a', toUpper('b'))]", Ok(json!("a/B"))),
            ("[[literal]", Ok(json!("[literal]"))),
            ("[[Deprecated] name", Ok(json!("[[Deprecated] name"))),
            ("[Deprecated] name", Ok(json!("[Deprecated] name"))),
            ("plain", Ok(json!("plain"))),
            ("[parameters('open')]", Err("parameter `open` has no default value")),
            ("[parameters('gone')]", Err("there is no parameter `gone`")),
            ("[parameters('made')]", Err("`newGuid()` is known only at deployment")),
            ("[parameters('loop')]", Err("the expression refers to itself")),
            ("[a b]", Err("the expression cannot be read")),
            ("[concat('a]", Err("text without an end in the expression")),
        ];
        for (text, expected) in cases {
            let resolved = scope.resolve(&Node::text(1, text));
            let found = match &resolved.data {
                Data::Unresolved { reason, .. } => Err(reason.as_str()),
                _ => Ok(resolved.to_json()),
            };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn partial_names() {
        let template = template();
        let scope = Scope { template: &template, outer: None, packaged: false };
        let cases = [
            ("[concat(parameters('open'),'/Microsoft.SecurityInsights/abc')]", "\0/Microsoft.SecurityInsights/abc"),
            ("[format('{0}/x/{1}', parameters('open'), 'abc')]", "\0/x/abc"),
            ("[concat('a/', parameters('made'))]", "a/\0"),
            ("plain/abc", "plain/abc"),
        ];
        for (text, expected) in cases {
            assert_eq!(scope.partial_text(text), expected, "{text}");
        }
    }
}
