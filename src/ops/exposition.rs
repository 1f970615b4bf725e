//! The server's figures as text, in the format that Prometheus reads.
//!
//! Owns: [`render`], the names of all figures. docs/operations.md explains each of them. Specification: the text-based
//! exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).

use std::fmt::{self, Display, Write};
use std::time::UNIX_EPOCH;

use crate::engine::database::Condition;
use crate::engine::databases::Databases;
use crate::metrics::{BOUNDS, Histogram};

/// All figures of the server, as they are now.
pub fn render(databases: &Databases) -> String {
    let mut page = Page::default();
    clients(&mut page, databases);
    store(&mut page, databases);
    let open = databases.all_open();
    let conditions: Vec<_> = open.iter().map(|database| (database.name(), database.condition())).collect();
    sqlite(&mut page, databases, &conditions);
    replication(&mut page, &conditions);
    process(&mut page, databases);
    page.text
}

fn clients(page: &mut Page, databases: &Databases) {
    let metrics = databases.metrics();
    page.gauge("pg_connections_active", "Sessions there are.").value(metrics.sessions.get());
    page.counter("pg_connections_total", "Connections accepted, whatever became of them.")
        .value(metrics.connections.get());
    page.counter("pg_authentication_failures_total", "Clients that did not prove who they are.")
        .value(metrics.authentication_failures.get());
    page.counter("pg_queries_total", "Statements that ended, with an answer or an error.")
        .value(metrics.statements.count());
    page.histogram("pg_queries_duration_seconds", "How long statements took.").durations(&[], &metrics.statements);
    let mut errors = page.counter("pg_errors_total", "Errors told to clients, by SQLSTATE.");
    for (code, count) in metrics.errors() {
        errors.labelled(&[("code", code.as_str())], count);
    }
    page.counter("pg_transactions_total", "Transactions that ended; conflict: undone because another one came first.")
        .labelled(&[("status", "commit")], metrics.commits.get())
        .labelled(&[("status", "rollback")], metrics.rollbacks.get())
        .labelled(&[("status", "conflict")], metrics.conflicts.get());
}

fn store(page: &mut Page, databases: &Databases) {
    let store = &databases.metrics().store;
    let mut operations =
        page.counter("pg_blob_storage_operations_total", "Attempts at operations of the object store.");
    for (operation, status, count) in store.operations() {
        operations.labelled(&[("operation", operation), ("status", status)], count);
    }
    let name = "pg_blob_storage_operation_duration_seconds";
    let mut durations = page.histogram(name, "How long operations of the object store took.");
    for (operation, histogram) in store.durations() {
        durations.durations(&[("operation", operation)], histogram);
    }
    let (sent, received) = store.bytes();
    page.counter("pg_blob_storage_bytes_total", "Bytes of objects sent to the object store and received from it.")
        .labelled(&[("direction", "sent")], sent)
        .labelled(&[("direction", "received")], received);
}

fn sqlite(page: &mut Page, databases: &Databases, conditions: &[(&str, Condition)]) {
    let readers: usize = conditions.iter().map(|(_, condition)| condition.used_connections).sum();
    let writers = conditions.iter().filter(|(_, condition)| condition.is_written).count();
    page.gauge("sqlite_locks_held", "Connections that sessions read and write with; one at a time writes a database.")
        .labelled(&[("mode", "read")], readers.saturating_sub(writers))
        .labelled(&[("mode", "write")], writers);
    page.histogram("sqlite_write_ticket_wait_seconds", "How long writers waited for their turn.")
        .durations(&[], &databases.metrics().ticket_wait);
    let metrics = databases.metrics();
    let name = "pgserver_writers_parked_total";
    page.counter(name, "Transactions set aside while their clients idled, so that others could write.")
        .value(metrics.parked.get());
    let name = "pgserver_writers_not_repeated_total";
    page.counter(name, "Those of them that failed because others had changed what they had read.")
        .value(metrics.unrepeatable.get());
    page.gauge("pgserver_databases_open", "Databases that are open.").value(conditions.len());
    let mut pool = page.gauge("sqlite_pool_connections", "Open SQLite connections.");
    for (name, condition) in conditions {
        pool.labelled(&[("database", name), ("state", "idle")], condition.idle_connections)
            .labelled(&[("database", name), ("state", "used")], condition.used_connections);
    }
    let mut wal = page.gauge("sqlite_wal_bytes", "The size of the write-ahead log's file.");
    for (name, condition) in conditions {
        wal.labelled(&[("database", name)], condition.wal_bytes);
    }
}

fn replication(page: &mut Page, conditions: &[(&str, Condition)]) {
    let replicated: Vec<_> =
        conditions.iter().filter_map(|(name, condition)| Some((*name, condition.replication.as_ref()?))).collect();
    let name = "pgserver_replication_lag_seconds";
    let mut lag = page.gauge(name, "How long the oldest commit waits that the object store does not have.");
    for (name, state) in &replicated {
        lag.labelled(&[("database", name)], state.lag.as_secs_f64());
    }
    let name = "pgserver_replication_lag_bytes";
    let mut lag = page.gauge(name, "Bytes of the write-ahead log that the object store does not have.");
    for (name, state) in &replicated {
        lag.labelled(&[("database", name)], state.lag_bytes);
    }
    let name = "pgserver_replication_sequence";
    let mut sequence = page.gauge(name, "The last state in the object store that is served here.");
    for (name, state) in &replicated {
        sequence.labelled(&[("database", name)], state.sequence);
    }
    let name = "pgserver_replication_conflicts_total";
    let mut conflicts = page.counter(name, "How often commits were undone because another server came first.");
    for (name, state) in &replicated {
        conflicts.labelled(&[("database", name)], state.conflicts);
    }
}

fn process(page: &mut Page, databases: &Databases) {
    let started = databases.metrics().started.duration_since(UNIX_EPOCH).unwrap_or_default();
    page.gauge("pgserver_build_info", "Always 1; the label says which version runs.")
        .labelled(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.gauge("process_start_time_seconds", "When the server started, in seconds since 1970.")
        .value(started.as_secs_f64());
    // What the system does not tell is left out.
    if let Some(seconds) = cpu_seconds() {
        page.counter("process_cpu_seconds_total", "Processor time used.").value(seconds);
    }
    if let Some(bytes) = resident_bytes() {
        page.gauge("process_resident_memory_bytes", "Resident memory.").value(bytes);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open files and sockets.").value(open.count());
    }
    if let Ok((allowed, _)) = rlimit::Resource::NOFILE.get() {
        page.gauge("process_max_fds", "Open files and sockets that the system allows.").value(allowed);
    }
}

/// proc(5): times in /proc/self/stat are in ticks, of which Linux shows programs 100 a second everywhere.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the program's name in parentheses, may contain anything; the next one is the third.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map_while(|field| field.parse::<u64>().ok());
    Some((times.next()? + times.next()?) as f64 / 100.0)
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The text, metric by metric.
#[derive(Default)]
struct Page {
    text: String,
}

/// One metric of a page; its values are written after its description.
struct Metric<'p> {
    text: &'p mut String,
    name: &'static str,
}

impl Page {
    fn counter(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "counter", help)
    }

    fn gauge(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "gauge", help)
    }

    fn histogram(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "histogram", help)
    }

    fn metric(&mut self, name: &'static str, kind: &str, help: &str) -> Metric<'_> {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Metric { text: &mut self.text, name }
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        append(&mut self.text, text);
    }
}

impl Metric<'_> {
    fn value(&mut self, value: impl Display) {
        self.labelled(&[], value);
    }

    fn labelled(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.line("", labels, value);
        self
    }

    fn durations(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let cumulated = histogram.cumulated();
        let bounds = BOUNDS.iter().map(|bound| bound.as_secs_f64().to_string()).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(cumulated) {
            self.line("_bucket", &[labels, &[("le", &bound)]].concat(), count);
        }
        self.line("_sum", labels, histogram.sum().as_secs_f64());
        // The last bucket's: the two must not differ because something was counted in between.
        self.line("_count", labels, cumulated.last().copied().unwrap_or_default());
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        append(self.text, format_args!("{}{suffix}", self.name));
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            append(self.text, format_args!("{before}{label}=\"{}\"", escaped(text)));
        }
        append(self.text, format_args!("{} {value}\n", if labels.is_empty() { "" } else { "}" }));
    }
}

fn append(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(more);
}

/// A label's value: a database may be called anything.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn values_have_labels_and_histograms_have_buckets() {
        let mut page = Page::default();
        page.gauge("g", "What it is.")
            .labelled(&[("database", "a\"b\\c\nd"), ("state", "idle")], 3)
            .labelled(&[], 0.25);
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(70));
        histogram.observe(Duration::from_secs(11));
        page.histogram("h", "How long.").durations(&[("operation", "put")], &histogram);
        let lines: Vec<&str> = page.text.lines().collect();
        assert_eq!(
            lines[..6],
            [
                "# HELP g What it is.",
                "# TYPE g gauge",
                "g{database=\"a\\\"b\\\\c\\nd\",state=\"idle\"} 3",
                "g 0.25",
                "# HELP h How long.",
                "# TYPE h histogram",
            ]
        );
        assert_eq!(
            lines[6..8],
            ["h_bucket{operation=\"put\",le=\"0.00005\"} 0", "h_bucket{operation=\"put\",le=\"0.0001\"} 1"]
        );
        assert_eq!(
            lines[lines.len() - 4..],
            [
                "h_bucket{operation=\"put\",le=\"10\"} 1",
                "h_bucket{operation=\"put\",le=\"+Inf\"} 2",
                "h_sum{operation=\"put\"} 11.00007",
                "h_count{operation=\"put\"} 2",
            ]
        );
    }

    #[test]
    fn the_system_tells_of_the_process() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1_000_000));
        assert!(cpu_seconds().is_some_and(|seconds| seconds >= 0.0));
    }
}
