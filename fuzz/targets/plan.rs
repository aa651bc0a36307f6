//! The plan in a pod's environment, and the resource that users write.

use claudeprobe::report::plan::Plan;
use claudeprobe::resource::spec::ClaudeProbe;
use claudeprobe::resource::validated::Probe;

/// JSON of either kind; what is read is written back the same, with nothing that a kubelet expands.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(plan) = Plan::from_env(&text)
        && let Ok(value) = plan.to_env()
    {
        assert!(!value.contains('$'), "the kubelet would expand {value}");
        assert_eq!(
            Plan::from_env(&value).ok().as_ref(),
            Some(&plan),
            "the plan does not come back"
        );
    }
    if let Ok(resource) = serde_json::from_slice::<ClaudeProbe>(bytes)
        && let Err(faults) = Probe::parse(&resource)
    {
        assert!(
            faults.iter().all(|fault| !fault.to_string().is_empty()),
            "an error without a message"
        );
    }
}
