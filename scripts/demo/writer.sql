-- One transaction of the demo's steady writer, a pgbench script: an order comes in, another moves on, and now and
-- then one is taken back, a price changes, a customer signs up or moves house.
\set customer random(1, 20000)
\set product random(1, 1000)
\set order random(1, :orders)
\set taken_back random(1, :orders)
\set quantity random(1, 5)
\set roll random(1, 10)
BEGIN;
INSERT INTO orders (customer_id, product_id, quantity, amount, note)
  SELECT :customer, id, :quantity, price * :quantity, CASE WHEN :roll = 1 THEN 'as a present' END
  FROM products WHERE id = :product;
UPDATE orders SET status = 'delivered', delivered_on = current_date WHERE id = :order;
\if :roll <= 3
DELETE FROM orders WHERE id = :taken_back;
\endif
\if :roll = 4
UPDATE products SET price = price + 0.01, changed_at = now() WHERE id = :product;
\endif
\if :roll = 5
INSERT INTO customers (name, email, country, tags) VALUES ('Walk-in', 'new@example.com', 'FR', '{new}');
\endif
\if :roll = 6
UPDATE customers SET country = 'US', preferences = '{"moved": true}' WHERE id = :customer;
\endif
COMMIT;
