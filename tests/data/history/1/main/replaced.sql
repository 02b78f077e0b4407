-- whimbrel: repeatable
insert into marks values (901);
