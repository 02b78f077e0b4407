-- whimbrel: repeatable
insert into marks values (800);
