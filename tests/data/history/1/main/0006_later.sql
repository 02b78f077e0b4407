insert into marks values (6);
