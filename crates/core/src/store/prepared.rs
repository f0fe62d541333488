//! Prepares statements whose text never changes once per connection.
//!
//! diesel caches a prepared statement only if the type of the query determines its text. So it caches no UPDATE, no upsert
//! and no literal, because their texts may depend on values; most of this project's do not. With SQLite the rate of likes on
//! 1,000 lives doubled when their statement was cached; with PostgreSQL preparing costs a round trip.

use std::{
    any::TypeId,
    collections::HashMap,
    marker::PhantomData,
    sync::{Mutex, PoisonError},
};

use diesel::{
    QueryResult, QueryableByName, RunQueryDsl,
    backend::Backend,
    deserialize,
    query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId},
    query_dsl::LoadQuery,
    row::NamedRow,
    sql_types::Untyped,
};

/// A query whose text depends on nothing but its place in the source. Made by [`prepared!`].
pub(crate) struct Prepared<Q, P> {
    query: Q,
    place: PhantomData<P>,
}

impl<Q, P> Prepared<Q, P> {
    /// Marks a query. `place` is a type that no other query uses.
    pub(crate) fn new(query: Q, _place: P) -> Self {
        Self { query, place: PhantomData }
    }
}

/// Marks a query as one whose text never changes. Wrong for lists of values on SQLite and for changesets with optional parts.
macro_rules! prepared {
    ($query:expr) => {{
        struct Here;
        $crate::store::prepared::Prepared::new($query, Here)
    }};
}
pub(crate) use prepared;

impl<Q, P: 'static> QueryId for Prepared<Q, P> {
    type QueryId = P;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, Q, P> QueryFragment<DB> for Prepared<Q, P>
where
    DB: Backend<QueryBuilder: Default> + 'static,
    Q: QueryFragment<DB>,
    P: 'static,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &DB) -> QueryResult<bool> {
        if cfg!(debug_assertions) {
            let mut text = DB::QueryBuilder::default();
            self.query.to_sql(&mut text, backend)?;
            check(std::any::type_name::<(P, DB)>(), TypeId::of::<(P, DB)>(), &text.finish());
        }
        Ok(true)
    }
}

/// In debug builds: fails if the text at a place changes, because the wrong statement would run.
fn check(place: &str, id: TypeId, text: &str) {
    static TEXTS: Mutex<Option<HashMap<TypeId, String>>> = Mutex::new(None);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = texts.get_or_insert_default().entry(id).or_insert_with(|| text.to_owned());
    assert_eq!(*known, text, "the text of {place} is not always the same");
}

impl<Q: Query, P> Query for Prepared<Q, P> {
    type SqlType = Q::SqlType;
}

impl<Conn, Q, P> RunQueryDsl<Conn> for Prepared<Q, P> {}

impl<Q, P> Prepared<Q, P> {
    /// Runs a statement that returns no rows. `execute` would pass diesel a reference to the statement, and for a reference
    /// diesel asks the parts of the query whether they may be cached.
    pub(crate) fn run<'query, Conn>(self, conn: &mut Conn) -> QueryResult<()>
    where
        Command<Q, P>: LoadQuery<'query, Conn, Nothing>,
    {
        Command(self).load::<Nothing>(conn).map(drop)
    }
}

/// A statement without rows in the form that diesel wants for a statement with rows.
pub(crate) struct Command<Q, P>(Prepared<Q, P>);

impl<Q, P: 'static> QueryId for Command<Q, P> {
    type QueryId = P;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, Q, P> QueryFragment<DB> for Command<Q, P>
where
    DB: Backend<QueryBuilder: Default> + 'static,
    Q: QueryFragment<DB>,
    P: 'static,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &DB) -> QueryResult<bool> {
        self.0.is_safe_to_cache_prepared(backend)
    }
}

impl<Q, P> Query for Command<Q, P> {
    type SqlType = Untyped;
}

impl<Conn, Q, P> RunQueryDsl<Conn> for Command<Q, P> {}

/// The row type of a statement without rows.
pub(crate) struct Nothing;

impl<DB: Backend> QueryableByName<DB> for Nothing {
    fn build<'a>(_: &impl NamedRow<'a, DB>) -> deserialize::Result<Self> {
        Ok(Self)
    }
}
