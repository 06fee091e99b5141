//! EXPLAIN.

use std::sync::Arc;

use super::answer::Sink;
use super::core::Core;
use super::plan_tables::PlanTables;
use super::statement::Request;
use crate::common::{SqlError, SqlResult};
use crate::sql::exec::{Profile, execute_query};
use crate::sql::parser::Statement;
use crate::sql::parser::ast::{Explain, ExplainFormat};
use crate::sql::plan::StatementPlan;
use crate::sql::system::Shown;
use crate::sql::types::Datum;

impl Core {
    /// EXPLAIN: the plan's operators, a row each.
    pub(super) async fn explain(
        &mut self,
        explain: &Explain,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.begin_eval(request.params.clone(), false, false);
        if explain.analyze {
            let shown = self.explain_analyze(&explain.statement, request).await?;
            return self.send_shown(shown, request, sink).await;
        }
        let shown = {
            let schema = self.services.schema.current();
            let planner = self.planner(&schema, request.parameters, &request.types);
            let plan = planner.plan(&explain.statement)?;
            match explain.format {
                ExplainFormat::Row => Shown::new(
                    &["id", "estRows", "task", "access object", "!operator info"],
                    planner
                        .explain(&plan)
                        .into_iter()
                        .map(|row| row.into_iter().map(Datum::from).collect())
                        .collect(),
                ),
                ExplainFormat::Brief => Shown::new(
                    &["id", "access object", "!operator info"],
                    planner
                        .explain(&plan)
                        .into_iter()
                        .map(|[id, _, _, object, info]| {
                            vec![Datum::from(id), Datum::from(object), Datum::from(info)]
                        })
                        .collect(),
                ),
                ExplainFormat::Tree => tree(planner.explain_tree(&plan, None)),
            }
        };
        self.send_shown(shown, request, sink).await
    }

    /// EXPLAIN ANALYZE: runs a query, and tells what each operator did instead of its rows.
    async fn explain_analyze(
        &mut self,
        statement: &Statement,
        request: &Request<'_>,
    ) -> SqlResult<Shown> {
        if !matches!(statement, Statement::Query(_)) {
            return Err(SqlError::unsupported("EXPLAIN ANALYZE of a statement that changes rows"));
        }
        let schema = self.services.schema.current();
        let plan = self.planner(&schema, request.parameters, &request.types).plan(statement)?;
        let StatementPlan::Query(query) = &plan else { return Err(no_query()) };
        let reading = self.begin_reading(&PlanTables::of(&plan), query.locking).await?;
        let plan =
            self.planner(&reading.schema, request.parameters, &request.types).plan(statement)?;
        let StatementPlan::Query(query) = &plan else { return Err(no_query()) };
        let clock = self.services.clock.clone();
        let profile = Arc::new(Profile::new(move || clock.now().as_nanos()));
        let eval = self.eval.clone();
        let mut ctx = self.exec_context(reading.txn.clone(), eval, Some(&reading.schema));
        ctx.profile = Some(profile.clone());
        {
            let mut rows = execute_query(query, &ctx).await?;
            while rows.next_batch().await?.is_some() {}
        }
        let text = {
            let planner = self.planner(&reading.schema, request.parameters, &request.types);
            planner.explain_tree(&plan, Some(&profile.trees()))
        };
        let shown = tree(text);
        self.end_reading(reading).await?;
        Ok(shown)
    }
}

/// The answer in one piece.
fn tree(text: String) -> Shown {
    Shown::new(&["!EXPLAIN"], vec![vec![Datum::from(text)]])
}

fn no_query() -> SqlError {
    SqlError::internal("a query without a query's plan")
}
