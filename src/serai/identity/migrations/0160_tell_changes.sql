-- Whose order it is decides prices: processes that keep members' levels in memory are told of changes.

SELECT foundation.tell_changes('identity.member', 'member_id');
