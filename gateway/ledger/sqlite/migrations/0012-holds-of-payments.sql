-- A hold stands in the row of its payment, which a call writes anyway: [[account, amount], …]. It ends where the payment moves on.
ALTER TABLE payments ADD COLUMN holds TEXT NOT NULL DEFAULT '[]' CHECK (
  holds = '[]' OR (delivery = 'held' AND money = 'held' AND json_valid(holds))
);
UPDATE payments SET holds = (
  SELECT json_group_array(json_array(account, amount))
  FROM (SELECT account, amount FROM holds WHERE holds.payment_id = payments.id ORDER BY id)
) WHERE id IN (SELECT payment_id FROM holds);
DROP TABLE holds;
