-- whimbrel: no-transaction
insert into marks values (121);
create table if not exists safe_to_repeat (n integer);
insert into marks values (123);
