"""What must hold of members."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "identity.erased_members_are_blank",
        "Of an erased member neither name, e-mail address, password, address, passkey, link nor session is left.",
        "SELECT m.member_id FROM identity.member m WHERE m.erased_at IS NOT NULL AND ("
        "   m.email IS NOT NULL OR m.name <> '' OR m.password_hash IS NOT NULL"
        "   OR EXISTS (SELECT FROM identity.address a WHERE a.merchant_id = m.merchant_id AND a.member_id = m.member_id)"
        "   OR EXISTS (SELECT FROM identity.passkey p WHERE p.merchant_id = m.merchant_id AND p.kind = 'member'"
        "     AND p.subject_id = m.member_id)"
        "   OR EXISTS (SELECT FROM identity.link l WHERE l.merchant_id = m.merchant_id AND l.member_id = m.member_id)"
        "   OR EXISTS (SELECT FROM identity.session s WHERE s.merchant_id = m.merchant_id AND s.kind = 'member'"
        "     AND s.subject_id = m.member_id))",
    ),
    Invariant(
        "identity.one_default_address",
        "Whoever keeps addresses has exactly one default among them.",
        "SELECT member_id FROM identity.address GROUP BY merchant_id, member_id HAVING count(*) FILTER (WHERE is_default) <> 1",
    ),
)
