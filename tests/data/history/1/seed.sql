insert into marks values (1001);
