insert into marks values (101);
