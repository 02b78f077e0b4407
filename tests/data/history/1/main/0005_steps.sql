-- whimbrel: no-transaction
insert into marks values (51);
insert into marks values (52);
insert into marks values (53);
