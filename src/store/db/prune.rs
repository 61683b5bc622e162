//! Deletes by age, a bounded number of rows in one transaction, so that nobody waits for a whole backlog.

/// Rows that one transaction forgets, and those that are as old as the last of them.
pub(crate) const BATCH: i64 = 500;

/// Deletes the oldest rows of `$table` that meet `$over`, at most a batch, along the index of `$age`. Says how many.
macro_rules! oldest {
    ($tx:expr, $table:ident, $over:expr, $age:expr) => {{
        let edge: Option<i64> = $table::table
            .filter($over)
            .order($age.asc())
            .offset($crate::db::prune::BATCH - 1)
            .select($age)
            .first($tx.conn)
            .optional()?;
        // From the oldest on up to that one: its equals go with it.
        let upto = edge.unwrap_or(i64::MAX);
        diesel::delete($table::table.filter($over).filter($age.le(upto))).execute($tx.conn)?
    }};
}
pub(crate) use oldest;
