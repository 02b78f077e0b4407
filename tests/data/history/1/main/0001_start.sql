create table marks (n integer);
insert into marks values (1);
