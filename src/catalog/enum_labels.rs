//! The labels of an enum.
//!
//! Owns: [`EnumLabels`]. Specification: catalog-pg-enum.html.

/// An enum's labels, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnumLabels {
    labels: Vec<String>,
    /// Their enumsortorder, as many as labels.
    orders: Vec<f32>,
}

impl EnumLabels {
    /// Labels numbered from 1.
    pub fn new(labels: Vec<String>) -> Self {
        let orders = (1..=labels.len()).map(|number| number as f32).collect();
        EnumLabels { labels, orders }
    }

    /// Labels with these numbers; numbered from 1 where the numbers are not as many.
    pub fn with_orders(labels: Vec<String>, orders: Vec<f32>) -> Self {
        if labels.len() == orders.len() { EnumLabels { labels, orders } } else { EnumLabels::new(labels) }
    }

    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    pub fn orders(&self) -> &[f32] {
        &self.orders
    }

    /// Puts a label at a place, between its neighbours' numbers (AddEnumLabel). Where floats have none in between, all
    /// are numbered anew.
    pub fn insert(&mut self, place: usize, label: String) {
        let before = place.checked_sub(1).and_then(|place| self.orders.get(place)).copied();
        let after = self.orders.get(place).copied();
        let order = match (before, after) {
            (None, None) => 1.0,
            (Some(before), None) => before + 1.0,
            (None, Some(after)) => after - 1.0,
            (Some(before), Some(after)) => (before + after) / 2.0,
        };
        self.labels.insert(place.min(self.labels.len()), label);
        match before.is_none_or(|before| before < order) && after.is_none_or(|after| order < after) {
            true => self.orders.insert(place.min(self.orders.len()), order),
            false => *self = EnumLabels::new(std::mem::take(&mut self.labels)),
        }
    }

    /// Gives a label another name.
    pub fn rename(&mut self, place: usize, to: &str) {
        if let Some(label) = self.labels.get_mut(place) {
            to.clone_into(label);
        }
    }
}
