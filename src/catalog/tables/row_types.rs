//! The types of tables' and views' rows in pg_type, with their array types.
//!
//! Must not know: how they get their OIDs (`catalog::composite`). Specification: catalog-pg-type.html.

use crate::catalog::composite::{array_type_oid, has_row_type, row_type_oid};
use crate::catalog::schema::Relation;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::relations::listed;
use crate::catalog::tables::rows::{Rows, row};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::catalog::tables::types::{ARRAY_ROUTINES, array_name};
use crate::types::pg_type::Oid;

/// record_in, record_out, record_recv, record_send.
const RECORD_ROUTINES: [u32; 4] = [2290, 2291, 2402, 2403];

/// Both types of every system catalog and view.
pub fn system_row_types(rows: &mut Rows, view: &View<'_>) {
    for system in listed() {
        both(rows, view, &system.relation, (system.row_type, system.array_type));
    }
}

/// Both types of every table, view and composite type of users.
pub fn row_types(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations().into_iter().filter(|relation| has_row_type(relation)) {
        both(rows, view, relation, (row_type_oid(relation), array_type_oid(relation)));
    }
}

fn both(rows: &mut Rows, view: &View<'_>, relation: &Relation, (oid, array): (Oid, Oid)) {
    row_type(rows, view, relation, (oid, array));
    row!(rows,
        oid: array,
        typname: array_name(&relation.name),
        typnamespace: view.namespace_oid(&relation.schema),
        typowner: BOOTSTRAP_SUPERUSER,
        typlen: -1,
        typtype: "b",
        typcategory: "A",
        typisdefined: true,
        typdelim: ",",
        typsubscript: ARRAY_ROUTINES.subscript,
        typelem: oid,
        typinput: ARRAY_ROUTINES.input,
        typoutput: ARRAY_ROUTINES.output,
        typreceive: ARRAY_ROUTINES.receive,
        typsend: ARRAY_ROUTINES.send,
        typanalyze: ARRAY_ROUTINES.analyze,
        typalign: "d",
        typstorage: "x",
        typtypmod: -1,
    );
}

fn row_type(rows: &mut Rows, view: &View<'_>, relation: &Relation, (oid, array): (Oid, Oid)) {
    let [input, output, receive, send] = RECORD_ROUTINES;
    row!(rows,
        oid: oid,
        typname: &relation.name,
        typnamespace: view.namespace_oid(&relation.schema),
        typowner: BOOTSTRAP_SUPERUSER,
        typlen: -1,
        typtype: "c",
        typcategory: "C",
        typisdefined: true,
        typdelim: ",",
        typrelid: relation.oid,
        typarray: array,
        typinput: input,
        typoutput: output,
        typreceive: receive,
        typsend: send,
        typalign: "d",
        typstorage: "x",
        typtypmod: -1,
    );
}
