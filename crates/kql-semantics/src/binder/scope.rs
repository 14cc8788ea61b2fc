//! Names that `let` and parameters bind.

use std::rc::Rc;

use kql_syntax::ast;

use crate::bound::Expr;

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Entity {
    /// A scalar value or expression.
    Scalar(Expr),
    /// Rows, by index of the shared ones.
    Tabular(usize),
    /// A function, with the names visible where it was declared.
    Function(Rc<ast::Function>, Rc<Scope>),
    /// A function by cases, with the names visible where it was declared.
    Pattern(Rc<ast::Pattern>, Rc<Scope>),
    /// Another place: the scope of macro-expand. Its tables are not known.
    Place,
    /// The only tables that may be read, with wildcards; under a name that no query can write.
    Visible(Rc<Vec<String>>),
    /// Could not be bound; says nothing more.
    Broken,
}

/// Under this name stands what `restrict access` leaves.
pub(super) const VISIBLE: &str = "\u{0}visible";

/// A chain of bindings, the innermost first. Scopes are never changed, only extended.
pub(super) struct Scope {
    parent: Option<Rc<Scope>>,
    name: String,
    entity: Entity,
}

impl Scope {
    /// The outermost scope, which binds nothing.
    pub(super) fn root() -> Rc<Scope> {
        Rc::new(Scope { parent: None, name: String::new(), entity: Entity::Broken })
    }

    /// This scope and one more name.
    pub(super) fn with(self: &Rc<Scope>, name: &str, entity: Entity) -> Rc<Scope> {
        Rc::new(Scope { parent: Some(Rc::clone(self)), name: name.to_string(), entity })
    }

    /// The innermost entity of that name.
    pub(super) fn find(&self, name: &str) -> Option<&Entity> {
        let mut scope = self;
        loop {
            if scope.name == name && scope.parent.is_some() {
                return Some(&scope.entity);
            }
            scope = scope.parent.as_deref()?;
        }
    }

    /// The names of functions without parameters that are views, the innermost of each name.
    pub(super) fn views(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.names() {
            if self.is_view(name) && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether the name is that of a function without parameters that is a view.
    pub(super) fn is_view(&self, name: &str) -> bool {
        matches!(self.find(name), Some(Entity::Function(f, _)) if f.view && f.params.is_empty())
    }

    /// All names, the innermost first.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut scope = self;
        while let Some(parent) = &scope.parent {
            names.push(scope.name.as_str());
            scope = parent;
        }
        names
    }
}

impl Drop for Scope {
    /// Long chains are taken apart in a loop: thousands of statements must not recurse.
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(scope) = next {
            match Rc::try_unwrap(scope) {
                Ok(mut scope) => next = scope.parent.take(),
                Err(_) => break,
            }
        }
    }
}
