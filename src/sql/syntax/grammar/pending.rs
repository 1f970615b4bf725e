//! x
use crate::error::Result;
use crate::sql::syntax::ast::definition::*;
use crate::sql::syntax::ast::query::*;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::parser::Parser;
macro_rules! pending { ($($n:ident)*) => { impl Parser<'_> { $(pub(super) fn $n(&mut self) -> Result<Stmt> { Err(self.unexpected()) })* } } }
pending!(create_statement alter_statement drop_statement comment_stmt security_label_stmt truncate_stmt grant_statement revoke_statement transaction_stmt set_statement reset_stmt show_stmt prepare_stmt execute_stmt deallocate_stmt declare_cursor_stmt fetch_stmt close_portal_stmt copy_stmt explain_stmt listen_stmt notify_stmt unlisten_stmt lock_stmt vacuum_stmt analyze_stmt cluster_stmt reindex_stmt checkpoint_stmt discard_stmt load_stmt call_stmt do_stmt import_foreign_schema_stmt reassign_owned_stmt refresh_mat_view_stmt);
impl Parser<'_> {
    pub(super) fn index_elem(&mut self) -> Result<IndexElem> {
        Err(self.unexpected())
    }
    pub(super) fn column_def_list(&mut self) -> Result<Vec<ColumnDef>> {
        Err(self.unexpected())
    }
    pub(super) fn opt_temp_table_name(&mut self) -> Result<RangeVar> {
        self.qualified_name()
    }
}
