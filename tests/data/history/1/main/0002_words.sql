-- This comment came after it was applied.
insert into marks values (2);
