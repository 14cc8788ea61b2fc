//! Frequency, period and trigger (spec sections 2.1, 3 and 9).

use super::{Object, Reader};
use crate::duration::Duration;
use crate::model::{RuleKind, SourceFormat, Trigger, TriggerOperator};

/// When a rule runs and fires.
pub(super) struct Schedule {
    pub frequency: Duration,
    pub period: Duration,
    pub trigger: Trigger,
}

impl Schedule {
    /// [I] What the wizard proposes: every five hours over five hours, any row.
    const WIZARD: Self =
        Self { frequency: Duration::from_hours(5), period: Duration::from_hours(5), trigger: Trigger::ANY_ROW };
    const NRT: Self =
        Self { frequency: Duration::from_minutes(1), period: Duration::from_minutes(1), trigger: Trigger::ANY_ROW };
}

impl Reader<'_> {
    /// A scheduled rule needs all four keys. YAML that has none of them (public files do exist) takes the wizard's
    /// values with a remark; NRT rules have none and any that are there have no effect.
    pub(super) fn schedule(&mut self, object: &mut Object<'_>, kind: &RuleKind, format: SourceFormat) -> Schedule {
        let frequency = object.get(&["queryFrequency"]);
        let period = object.get(&["queryPeriod"]);
        let operator = object.get(&["triggerOperator"]);
        let threshold = object.get(&["triggerThreshold"]);
        if *kind == RuleKind::Nrt {
            return Schedule::NRT;
        }
        let missing = [
            (frequency.is_none(), "queryFrequency", "how often the rule runs, such as `1h`"),
            (period.is_none(), "queryPeriod", "how far back the query looks, such as `1d`"),
            (operator.is_none(), "triggerOperator", "expected one of `gt`, `lt`, `eq`, `ne`"),
            (threshold.is_none(), "triggerThreshold", "a number of rows, such as `0`"),
        ];
        let none_is_there = missing.iter().all(|(missing, ..)| *missing);
        if none_is_there && format == SourceFormat::Yaml {
            if kind.is_executable() {
                let message = "no schedule and no trigger: taken as every 5h over 5h, more than 0 rows";
                self.warn("", object.line, message.to_owned(), None);
            }
            return Schedule::WIZARD;
        }
        if kind.is_executable() {
            for (_, key, help) in missing.iter().filter(|(missing, ..)| *missing) {
                self.missing(object, key, help);
            }
        }
        let operator = operator.and_then(|field| {
            let what = "a trigger operator";
            let text = self.scalar(&field, what)?;
            let operator = TriggerOperator::from_name(text);
            if operator.is_none() {
                let near = TriggerOperator::nearest_name(text);
                self.wrong_value_but(&field, what, TriggerOperator::NAMES, near);
            }
            operator
        });
        let threshold = threshold.and_then(|field| {
            let text = self.scalar(&field, "a number of rows")?;
            let number = text.trim().parse().ok();
            if number.is_none() {
                let message = format!("{} is not a number of rows", field.node.describe());
                let help = Some("expected a whole number from 0 to 10000".to_owned());
                self.error(&field.path, field.node.line, message, help);
            }
            number
        });
        Schedule {
            frequency: self.duration(frequency).unwrap_or(Schedule::WIZARD.frequency),
            period: self.duration(period).unwrap_or(Schedule::WIZARD.period),
            trigger: Trigger {
                operator: operator.unwrap_or(TriggerOperator::GreaterThan),
                threshold: threshold.unwrap_or(0),
            },
        }
    }
}
