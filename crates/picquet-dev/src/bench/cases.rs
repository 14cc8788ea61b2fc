//! What is timed: the functions and operators that rules use most, each as a query over all rows that gives one row.

/// A query, and the same in DuckDB's SQL where it is easy to write.
pub(super) struct Case {
    /// The function or operator.
    pub(super) name: &'static str,
    pub(super) kql: &'static str,
    pub(super) sql: Option<&'static str>,
}

const fn case(name: &'static str, kql: &'static str, sql: &'static str) -> Case {
    Case { name, kql, sql: Some(sql) }
}

/// Functions and operators of expressions. `E` stands for the table of events, `H` for that of hosts.
pub(super) static FUNCTIONS: &[Case] = &[
    case("==", "E | where Account == @'CORP\\user77' | count", "select count(*) from E where Account = 'CORP\\user77'"),
    case(
        "!=",
        "E | where Account != @'CORP\\user77' | count",
        "select count(*) from E where Account <> 'CORP\\user77'",
    ),
    case(
        "> (datetime)",
        "E | where TimeGenerated > datetime(2024-01-01 05:00:00) | summarize sum(Bytes)",
        "select sum(Bytes) from E where TimeGenerated > timestamp '2024-01-01 05:00:00'",
    ),
    case(
        "between",
        "E | where Bytes between (1000000 .. 2000000) | count",
        "select count(*) from E where Bytes between 1000000 and 2000000",
    ),
    case(
        "in",
        "E | where Computer in ('host-00017.example.com', 'host-00420.example.com', 'host-04999.example.com') | count",
        "select count(*) from E where Computer in ('host-00017.example.com', 'host-00420.example.com', \
         'host-04999.example.com')",
    ),
    case(
        "in~",
        "E | where Computer in~ ('HOST-00017.example.com', 'host-00420.EXAMPLE.com', 'host-04999.example.com') | count",
        "select count(*) from E where lower(Computer) in ('host-00017.example.com', 'host-00420.example.com', \
         'host-04999.example.com')",
    ),
    case(
        "=~",
        "E | where Computer =~ 'HOST-00420.example.com' | count",
        "select count(*) from E where lower(Computer) = 'host-00420.example.com'",
    ),
    case(
        "contains",
        "E | where CommandLine contains 'encodedcommand' | count",
        "select count(*) from E where CommandLine ilike '%encodedcommand%'",
    ),
    case(
        "has",
        "E | where CommandLine has 'encodedcommand' | count",
        "select count(*) from E where regexp_matches(CommandLine, '(?i)(^|[^a-z0-9])encodedcommand($|[^a-z0-9])')",
    ),
    case(
        "has_any",
        "E | where CommandLine has_any ('whoami', 'rundll32', 'encodedcommand', 'mimikatz') | count",
        "select count(*) from E where regexp_matches(CommandLine, \
         '(?i)(^|[^a-z0-9])(whoami|rundll32|encodedcommand|mimikatz)($|[^a-z0-9])')",
    ),
    case(
        "startswith",
        "E | where Url startswith 'HTTPS://www7.' | count",
        "select count(*) from E where starts_with(lower(Url), 'https://www7.')",
    ),
    case(
        "endswith",
        "E | where CommandLine endswith 'A /QUIET' | count",
        "select count(*) from E where ends_with(lower(CommandLine), 'a /quiet')",
    ),
    case(
        "matches regex",
        "E | where CommandLine matches regex @'tenant [0-9a-f]*00 /' | count",
        "select count(*) from E where regexp_matches(CommandLine, 'tenant [0-9a-f]*00 /')",
    ),
    case(
        "isnotempty",
        "E | where isnotempty(Account) | count",
        "select count(*) from E where Account is not null and Account <> ''",
    ),
    case(
        "and, or, not",
        "E | where (EventId == 4625 or EventId == 4740) and not(Elevated) | count",
        "select count(*) from E where (EventId = 4625 or EventId = 4740) and not Elevated",
    ),
    case(
        "path a.b",
        "E | where tostring(Properties.user.name) == 'user77' | count",
        "select count(*) from E where json_extract_string(Properties, '$.user.name') = 'user77'",
    ),
    case(
        "path a[n]",
        "E | summarize max(toint(Properties.ports[1]))",
        "select max(cast(json_extract_string(Properties, '$.ports[1]') as int)) from E",
    ),
    case(
        "parse_json",
        "E | where tostring(parse_json(tostring(Properties)).status) == 'Failure' | count",
        "select count(*) from E where json_extract_string(Properties, '$.status') = 'Failure'",
    ),
    case("tostring", "E | summarize max(tostring(Bytes))", "select max(cast(Bytes as varchar)) from E"),
    case(
        "toint, tolong",
        "E | summarize sum(tolong(tostring(EventId)))",
        "select sum(cast(cast(EventId as varchar) as bigint)) from E",
    ),
    case(
        "todatetime",
        "E | summarize max(todatetime(strcat('2024-01-', 10 + EventId % 20)))",
        "select max(cast('2024-01-' || (10 + EventId % 20) as timestamp)) from E",
    ),
    case("split", "E | summarize max(tostring(split(Url, '/')[3]))", "select max(str_split(Url, '/')[4]) from E"),
    case(
        "bin",
        "E | summarize max(bin(TimeGenerated, 1h))",
        "select max(time_bucket(interval 1 hour, TimeGenerated)) from E",
    ),
    case(
        "startofday",
        "E | summarize max(startofday(TimeGenerated))",
        "select max(date_trunc('day', TimeGenerated)) from E",
    ),
    case(
        "datetime_diff",
        "E | summarize max(datetime_diff('minute', TimeGenerated, datetime(2024-01-01)))",
        "select max(date_diff('minute', timestamp '2024-01-01', TimeGenerated)) from E",
    ),
    case(
        "iff",
        "E | summarize max(iff(Bytes > 5000000, Account, Computer))",
        "select max(case when Bytes > 5000000 then Account else Computer end) from E",
    ),
    case(
        "case",
        "E | summarize sum(case(EventId < 4620, 1, EventId < 4700, 2, EventId < 4750, 3, 4))",
        "select sum(case when EventId < 4620 then 1 when EventId < 4700 then 2 when EventId < 4750 then 3 else 4 end) from E",
    ),
    case(
        "extract",
        "E | summarize max(extract(@'action=([a-zA-Z]+)', 1, Text))",
        "select max(regexp_extract(Text, 'action=([a-zA-Z]+)', 1)) from E",
    ),
    case("tolower", "E | summarize max(tolower(CommandLine))", "select max(lower(CommandLine)) from E"),
    case(
        "strcat",
        "E | summarize max(strcat(Account, '@', Computer))",
        "select max(Account || '@' || Computer) from E",
    ),
    case("substring", "E | summarize max(substring(Computer, 5, 5))", "select max(substr(Computer, 6, 5)) from E"),
    case("strlen", "E | summarize sum(strlen(CommandLine))", "select sum(length(CommandLine)) from E"),
    case(
        "replace_string",
        "E | summarize max(replace_string(Url, 'example', 'test'))",
        "select max(replace(Url, 'example', 'test')) from E",
    ),
    case(
        "array_length",
        "E | summarize sum(array_length(Properties.tags))",
        "select sum(json_array_length(Properties, '$.tags')) from E",
    ),
    case("coalesce", "E | summarize sum(coalesce(Bytes, 0))", "select sum(coalesce(Bytes, 0)) from E"),
    case("round", "E | summarize sum(round(Score, 1))", "select sum(round(Score, 1)) from E"),
    case(
        "ipv4_is_private",
        "E | where ipv4_is_private(Address) | count",
        "select count(*) from E where regexp_matches(Address, '^(10|127|192\\.168|172\\.(1[6-9]|2[0-9]|3[01]))\\.')",
    ),
];

/// Tabular operators and aggregates.
pub(super) static OPERATORS: &[Case] = &[
    case(
        "where",
        "E | where EventId == 4625 and Bytes > 9000000 | summarize max(CommandLine)",
        "select max(CommandLine) from E where EventId = 4625 and Bytes > 9000000",
    ),
    case(
        "extend",
        "E | extend Kb = Bytes / 1024, Late = Score > 50.0 | where Late | summarize sum(Kb)",
        "select sum(Kb) from (select Bytes // 1024 as Kb, Score > 50.0 as Late from E) where Late",
    ),
    case(
        "project",
        "E | project Bytes, EventId | summarize sum(Bytes + EventId)",
        "select sum(Bytes + EventId) from E",
    ),
    case(
        "summarize count() by",
        "E | summarize n = count() by Computer | summarize max(n)",
        "select max(n) from (select count(*) as n from E group by Computer)",
    ),
    case(
        "summarize by bin",
        "E | summarize n = count(), s = sum(Bytes) by Computer, bin(TimeGenerated, 1h) | summarize max(n), max(s)",
        "select max(n), max(s) from (select count(*) as n, sum(Bytes) as s from E \
         group by Computer, time_bucket(interval 1 hour, TimeGenerated))",
    ),
    case(
        "dcount",
        "E | summarize d = dcount(Account) by Computer | summarize max(d)",
        "select max(d) from (select approx_count_distinct(Account) as d from E group by Computer)",
    ),
    case(
        "make_set",
        "E | summarize s = make_set(EventId) by Computer | summarize max(array_length(s))",
        "select max(len(s)) from (select list(distinct EventId) as s from E group by Computer)",
    ),
    case(
        "arg_max",
        "E | summarize arg_max(TimeGenerated, Account, Bytes) by Computer | summarize max(Bytes)",
        "select max(b) from (select arg_max(Account, TimeGenerated), arg_max(Bytes, TimeGenerated) as b from E \
         group by Computer)",
    ),
    case(
        "join",
        "E | project Computer, Bytes | join kind=inner (H) on Computer | summarize sum(Bytes) by Site | count",
        "select count(*) from (select sum(Bytes) from E join H using (Computer) group by Site)",
    ),
    case(
        "sort",
        "E | project TimeGenerated, Bytes | sort by Bytes desc, TimeGenerated asc | extend n = row_number() \
         | summarize max(n)",
        "select max(n) from (select row_number() over (order by Bytes desc, TimeGenerated) as n from E)",
    ),
    case(
        "top",
        "E | top 100 by Bytes desc | summarize max(CommandLine)",
        "select max(CommandLine) from (select * from E order by Bytes desc limit 100)",
    ),
    case(
        "distinct",
        "E | distinct Computer, EventId | count",
        "select count(*) from (select distinct Computer, EventId from E)",
    ),
    case(
        "mv-expand",
        "E | project p = Properties.ports | mv-expand p to typeof(long) | summarize sum(p)",
        "select sum(cast(p as bigint)) from (select unnest(cast(json_extract(Properties, '$.ports') as bigint[])) as p from E)",
    ),
    case(
        "union",
        "union (E | where EventId < 4700), (E | where EventId >= 4700) | summarize sum(Bytes)",
        "select sum(Bytes) from (select * from E where EventId < 4700 union all select * from E where EventId >= 4700)",
    ),
    case(
        "parse",
        "E | parse Text with 'user=' User ' action=' Action ' size=' Size:long ' ' * | summarize sum(Size)",
        "select sum(cast(regexp_extract(Text, 'user=(.*?) action=(.*?) size=([0-9]+) ', 3) as bigint)) from E",
    ),
    case(
        "project-away, project-rename",
        "E | project-away CommandLine, Properties | project-rename Host = Computer | summarize max(Host)",
        "select max(Host) from (select * exclude (CommandLine, Properties) rename (Computer as Host) from E)",
    ),
];
