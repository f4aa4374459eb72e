-- What concerns are about, how soon each kind has to be answered and solved, and which days are worked on. What a village
-- begins with is data: it stands here, is the same for all, and the service can only read it. What a village says for
-- itself stands beside it and goes before it.

-- Kinds of things within the four matters that every village begins with.
create table default_matter_type (
    code             text primary key,
    matter           text not null,
    title            text not null,            -- what people write in a ledger's 事项
    urgency          text not null,
    response_hours   integer,                  -- working hours; null: as for its matter and urgency
    resolution_hours integer,
    deliberation     boolean not null,         -- it usually needs the two committees
    material         text[] not null,          -- what a household hands over when it is done for it
    unique (matter, title)
);
grant select on default_matter_type to lianxin_service;

insert into default_matter_type (code, matter, title, urgency, response_hours, resolution_hours, deliberation, material)
values
    ('pension-check',   'resident_affairs', '养老认证',   'normal', 8,    40,   false, '{居民身份证,社会保障卡}'),
    ('medical-premium', 'resident_affairs', '医保缴费',   'normal', 8,    24,   false, '{居民身份证,户口簿}'),
    ('allowance',       'resident_affairs', '低保',       'normal', null, 160,  true,  '{居民身份证,户口簿,收入证明,申请书}'),
    ('hardship-relief', 'resident_affairs', '临时救助',   'urgent', null, null, true,  '{居民身份证,户口簿,申请书}'),
    ('disability',      'resident_affairs', '残疾证',     'normal', null, null, false, '{居民身份证,户口簿,照片,病历}'),
    ('old-age-subsidy', 'resident_affairs', '高龄津贴',   'normal', null, null, false, '{居民身份证,户口簿,社会保障卡}'),
    ('household-book',  'resident_affairs', '户籍证明',   'normal', 8,    24,   false, '{居民身份证,户口簿}'),
    ('neighbours',      'resident_affairs', '邻里纠纷',   'urgent', 4,    40,   false, '{}'),
    ('title-deed',      'resident_affairs', '房产证',     'normal', null, 240,  false, '{居民身份证,安置协议,户口簿}'),
    ('resettlement',    'resident_affairs', '安置分房',   'normal', null, 240,  true,  '{安置协议}'),
    ('land',            'resident_affairs', '土地权属',   'normal', null, 240,  true,  '{承包合同}'),
    ('school-place',    'resident_affairs', '入学入园',   'normal', null, null, false, '{户口簿,出生医学证明}'),
    ('employment',      'resident_affairs', '就业帮扶',   'normal', null, 120,  false, '{居民身份证}'),
    ('resident-other',  'resident_affairs', '其他民事',   'normal', null, null, false, '{}'),
    ('licence',         'business_affairs', '营业执照',   'normal', 8,    40,   false, '{居民身份证,场所证明}'),
    ('food-permit',     'business_affairs', '食品经营许可', 'normal', null, null, false, '{营业执照,健康证}'),
    ('rent-dispute',    'business_affairs', '租赁纠纷',   'urgent', 4,    40,   false, '{租赁合同}'),
    ('fire-lane',       'business_affairs', '消防通道',   'emergency', null, null, false, '{}'),
    ('fire-safety',     'business_affairs', '消防隐患',   'urgent', null, null, false, '{}'),
    ('letting',         'business_affairs', '门面招租',   'normal', null, null, false, '{居民身份证,租赁合同}'),
    ('parking',         'business_affairs', '停车秩序',   'normal', null, null, true,  '{}'),
    ('business-other',  'business_affairs', '其他商事',   'normal', null, null, false, '{}'),
    ('street-light',    'environment',      '路灯',       'normal', null, 24,   false, '{}'),
    ('refuse',          'environment',      '垃圾',       'normal', 4,    8,    false, '{}'),
    ('drain',           'environment',      '排水',       'urgent', null, null, false, '{}'),
    ('road',            'environment',      '道路',       'normal', null, 120,  true,  '{}'),
    ('illegal-build',   'environment',      '违建',       'urgent', null, 80,   true,  '{}'),
    ('water-power',     'environment',      '水电',       'urgent', null, null, false, '{}'),
    ('greening',        'environment',      '绿化',       'normal', null, null, false, '{}'),
    ('noise',           'environment',      '噪音油烟',   'normal', null, null, false, '{}'),
    ('danger-house',    'environment',      '危房',       'emergency', null, 40, true, '{}'),
    ('env-other',       'environment',      '其他环境',   'normal', null, null, false, '{}'),
    ('anti-fraud',      'outreach_education', '反诈宣传', 'normal', null, null, false, '{}'),
    ('children',        'outreach_education', '儿童活动', 'normal', null, null, true,  '{}'),
    ('policy',          'outreach_education', '政策咨询', 'normal', 8,    24,   false, '{}'),
    ('legal-aid',       'outreach_education', '法律咨询', 'normal', null, 40,   false, '{}'),
    ('culture',         'outreach_education', '文体活动', 'normal', null, null, true,  '{}'),
    ('training',        'outreach_education', '技能培训', 'normal', null, null, false, '{}'),
    ('outreach-other',  'outreach_education', '其他宣教', 'normal', null, null, false, '{}');

-- How soon, by matter and urgency, in working hours: eight are a day.
create table default_deadline (
    matter           text not null,
    urgency          text not null,
    response_hours   integer not null,
    resolution_hours integer not null,
    primary key (matter, urgency)
);
grant select on default_deadline to lianxin_service;

insert into default_deadline (matter, urgency, response_hours, resolution_hours)
values
    ('resident_affairs',   'normal', 16, 80), ('resident_affairs',   'urgent', 4, 40), ('resident_affairs',   'emergency', 1, 16),
    ('business_affairs',   'normal', 16, 80), ('business_affairs',   'urgent', 4, 40), ('business_affairs',   'emergency', 1, 16),
    ('environment',        'normal', 8,  40), ('environment',        'urgent', 4, 24), ('environment',        'emergency', 1, 8),
    ('outreach_education', 'normal', 16, 120), ('outreach_education', 'urgent', 8, 80), ('outreach_education', 'emergency', 2, 40);

-- Kinds that a village has added, and defaults that it has changed: these have the default's code.
create table matter_type (
    village          text not null,
    code             text not null,
    matter           text not null,
    title            text not null,
    urgency          text not null,
    response_hours   integer,
    resolution_hours integer,
    deliberation     boolean not null,
    material         text[] not null,
    retired          boolean not null,
    revision         bigint not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    updated_by       text not null,
    primary key (village, code),
    constraint matter_type_title unique (village, matter, title)
);
select lianxin.tenant_table('matter_type');

-- Deadlines that a village has set for itself.
create table deadline (
    village          text not null,
    matter           text not null,
    urgency          text not null,
    response_hours   integer not null,
    resolution_hours integer not null,
    revision         bigint not null,
    updated_at       timestamptz not null,
    updated_by       text not null,
    primary key (village, matter, urgency)
);
select lianxin.tenant_table('deadline');

-- Holidays and the days that are worked in exchange, as the State Council publishes them year by year. Whatever day is not
-- here is a working day from Monday to Friday. `place` is empty for the whole country, or the beginning of a village's
-- code: a village's own day goes before its sub-district's, and that before the country's. The calendar tells nothing of
-- anybody, so every transaction reads all of it; it writes what lies in its scope.
create table calendar_day (
    place      text not null,
    day        date not null,
    kind       text not null,                  -- holiday, or makeup_workday
    name       text not null,
    updated_by text not null,
    primary key (place, day)
);
alter table calendar_day enable row level security;
alter table calendar_day force row level security;
create policy reading on calendar_day for select using (true);
create policy writing on calendar_day
    using (place ^@ nullif(current_setting('lianxin.scope', true), ''));
grant select, insert, update, delete on calendar_day to lianxin_service;
-- Row security holds the owner too, who brings in the country's.
create policy founding on calendar_day to current_user using (true);

-- A year of a place was changed: deadlines of the concerns there have to be looked at again, by whoever finds it first.
-- `reached` is how far that has got, so that nothing is begun anew when it is interrupted.
create table calendar_change (
    id         bigint generated always as identity primary key,
    place      text not null,
    changed_at timestamptz not null,
    reached    text not null default '',
    done       boolean not null default false
);
grant select, insert, update on calendar_change to lianxin_service;

insert into calendar_day (place, day, kind, name, updated_by)
select '', day::date, kind, name, '国务院办公厅'
  from (values
    ('2023-01-01', 'holiday', '元旦'), ('2023-01-02', 'holiday', '元旦'), ('2023-01-21', 'holiday', '春节'),
    ('2023-01-22', 'holiday', '春节'), ('2023-01-23', 'holiday', '春节'), ('2023-01-24', 'holiday', '春节'),
    ('2023-01-25', 'holiday', '春节'), ('2023-01-26', 'holiday', '春节'), ('2023-01-27', 'holiday', '春节'),
    ('2023-01-28', 'makeup_workday', '春节'), ('2023-01-29', 'makeup_workday', '春节'), ('2023-04-05', 'holiday', '清明'),
    ('2023-04-23', 'makeup_workday', '劳动节'), ('2023-04-29', 'holiday', '劳动节'), ('2023-04-30', 'holiday', '劳动节'),
    ('2023-05-01', 'holiday', '劳动节'), ('2023-05-02', 'holiday', '劳动节'), ('2023-05-03', 'holiday', '劳动节'),
    ('2023-05-06', 'makeup_workday', '劳动节'), ('2023-06-22', 'holiday', '端午'), ('2023-06-23', 'holiday', '端午'),
    ('2023-06-24', 'holiday', '端午'), ('2023-06-25', 'makeup_workday', '端午'), ('2023-09-29', 'holiday', '中秋'),
    ('2023-09-30', 'holiday', '国庆节'), ('2023-10-01', 'holiday', '国庆节'), ('2023-10-02', 'holiday', '国庆节'),
    ('2023-10-03', 'holiday', '国庆节'), ('2023-10-04', 'holiday', '国庆节'), ('2023-10-05', 'holiday', '国庆节'),
    ('2023-10-06', 'holiday', '国庆节'), ('2023-10-07', 'makeup_workday', '国庆节'), ('2023-10-08', 'makeup_workday', '国庆节'),
    ('2024-01-01', 'holiday', '元旦'), ('2024-02-04', 'makeup_workday', '春节'), ('2024-02-10', 'holiday', '春节'),
    ('2024-02-11', 'holiday', '春节'), ('2024-02-12', 'holiday', '春节'), ('2024-02-13', 'holiday', '春节'),
    ('2024-02-14', 'holiday', '春节'), ('2024-02-15', 'holiday', '春节'), ('2024-02-16', 'holiday', '春节'),
    ('2024-02-17', 'holiday', '春节'), ('2024-02-18', 'makeup_workday', '春节'), ('2024-04-04', 'holiday', '清明'),
    ('2024-04-05', 'holiday', '清明'), ('2024-04-06', 'holiday', '清明'), ('2024-04-07', 'makeup_workday', '清明'),
    ('2024-04-28', 'makeup_workday', '劳动节'), ('2024-05-01', 'holiday', '劳动节'), ('2024-05-02', 'holiday', '劳动节'),
    ('2024-05-03', 'holiday', '劳动节'), ('2024-05-04', 'holiday', '劳动节'), ('2024-05-05', 'holiday', '劳动节'),
    ('2024-05-11', 'makeup_workday', '劳动节'), ('2024-06-10', 'holiday', '端午'), ('2024-09-14', 'makeup_workday', '中秋'),
    ('2024-09-15', 'holiday', '中秋'), ('2024-09-16', 'holiday', '中秋'), ('2024-09-17', 'holiday', '中秋'),
    ('2024-09-29', 'makeup_workday', '国庆节'), ('2024-10-01', 'holiday', '国庆节'), ('2024-10-02', 'holiday', '国庆节'),
    ('2024-10-03', 'holiday', '国庆节'), ('2024-10-04', 'holiday', '国庆节'), ('2024-10-05', 'holiday', '国庆节'),
    ('2024-10-06', 'holiday', '国庆节'), ('2024-10-07', 'holiday', '国庆节'), ('2024-10-12', 'makeup_workday', '国庆节'),
    ('2025-01-01', 'holiday', '元旦'), ('2025-01-26', 'makeup_workday', '春节'), ('2025-01-28', 'holiday', '春节'),
    ('2025-01-29', 'holiday', '春节'), ('2025-01-30', 'holiday', '春节'), ('2025-01-31', 'holiday', '春节'),
    ('2025-02-01', 'holiday', '春节'), ('2025-02-02', 'holiday', '春节'), ('2025-02-03', 'holiday', '春节'),
    ('2025-02-04', 'holiday', '春节'), ('2025-02-08', 'makeup_workday', '春节'), ('2025-04-04', 'holiday', '清明'),
    ('2025-04-05', 'holiday', '清明'), ('2025-04-06', 'holiday', '清明'), ('2025-04-27', 'makeup_workday', '劳动节'),
    ('2025-05-01', 'holiday', '劳动节'), ('2025-05-02', 'holiday', '劳动节'), ('2025-05-03', 'holiday', '劳动节'),
    ('2025-05-04', 'holiday', '劳动节'), ('2025-05-05', 'holiday', '劳动节'), ('2025-05-31', 'holiday', '端午'),
    ('2025-06-01', 'holiday', '端午'), ('2025-06-02', 'holiday', '端午'), ('2025-09-28', 'makeup_workday', '国庆节'),
    ('2025-10-01', 'holiday', '国庆节'), ('2025-10-02', 'holiday', '国庆节'), ('2025-10-03', 'holiday', '国庆节'),
    ('2025-10-04', 'holiday', '国庆节'), ('2025-10-05', 'holiday', '国庆节'), ('2025-10-06', 'holiday', '中秋'),
    ('2025-10-07', 'holiday', '国庆节'), ('2025-10-08', 'holiday', '国庆节'), ('2025-10-11', 'makeup_workday', '国庆节'),
    ('2026-01-01', 'holiday', '元旦'), ('2026-01-02', 'holiday', '元旦'), ('2026-01-03', 'holiday', '元旦'),
    ('2026-01-04', 'makeup_workday', '元旦'), ('2026-02-14', 'makeup_workday', '春节'), ('2026-02-15', 'holiday', '春节'),
    ('2026-02-16', 'holiday', '春节'), ('2026-02-17', 'holiday', '春节'), ('2026-02-18', 'holiday', '春节'),
    ('2026-02-19', 'holiday', '春节'), ('2026-02-20', 'holiday', '春节'), ('2026-02-21', 'holiday', '春节'),
    ('2026-02-22', 'holiday', '春节'), ('2026-02-23', 'holiday', '春节'), ('2026-02-28', 'makeup_workday', '春节'),
    ('2026-04-04', 'holiday', '清明'), ('2026-04-05', 'holiday', '清明'), ('2026-04-06', 'holiday', '清明'),
    ('2026-05-01', 'holiday', '劳动节'), ('2026-05-02', 'holiday', '劳动节'), ('2026-05-03', 'holiday', '劳动节'),
    ('2026-05-04', 'holiday', '劳动节'), ('2026-05-05', 'holiday', '劳动节'), ('2026-05-09', 'makeup_workday', '劳动节'),
    ('2026-06-19', 'holiday', '端午'), ('2026-06-20', 'holiday', '端午'), ('2026-06-21', 'holiday', '端午'),
    ('2026-09-20', 'makeup_workday', '国庆节'), ('2026-09-25', 'holiday', '中秋'), ('2026-09-26', 'holiday', '中秋'),
    ('2026-09-27', 'holiday', '中秋'), ('2026-10-01', 'holiday', '国庆节'), ('2026-10-02', 'holiday', '国庆节'),
    ('2026-10-03', 'holiday', '国庆节'), ('2026-10-04', 'holiday', '国庆节'), ('2026-10-05', 'holiday', '国庆节'),
    ('2026-10-06', 'holiday', '国庆节'), ('2026-10-07', 'holiday', '国庆节'), ('2026-10-10', 'makeup_workday', '国庆节')
) as published (day, kind, name);
