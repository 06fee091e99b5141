//! EXPLAIN.

use super::Shown;
use crate::actors::session::answer::Sink;
use crate::actors::session::core::Core;
use crate::actors::session::statement::Request;
use crate::common::{SqlError, SqlResult};
use crate::sql::parser::ast::{Explain, ExplainFormat};
use crate::sql::types::Datum;

impl Core {
    /// EXPLAIN: the plan's operators, a row each.
    pub(in crate::actors::session) async fn explain(
        &mut self,
        explain: &Explain,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        if explain.analyze {
            return Err(SqlError::unsupported("EXPLAIN ANALYZE"));
        }
        self.begin_eval(request.params.clone(), false, false);
        let shown = {
            let schema = self.services.schema.current();
            let planner = self.planner(&schema, request.parameters, &request.types);
            let plan = planner.plan(&explain.statement)?;
            let rows = planner.explain(&plan);
            match explain.format {
                ExplainFormat::Row => Shown::new(
                    &["id", "estRows", "task", "access object", "!operator info"],
                    rows.into_iter()
                        .map(|row| row.into_iter().map(Datum::from).collect())
                        .collect(),
                ),
                ExplainFormat::Brief => Shown::new(
                    &["id", "access object", "!operator info"],
                    rows.into_iter()
                        .map(|[id, _, _, object, info]| {
                            vec![Datum::from(id), Datum::from(object), Datum::from(info)]
                        })
                        .collect(),
                ),
            }
        };
        self.send_shown(shown, request, sink).await
    }
}
