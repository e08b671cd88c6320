INSERT INTO products (sku, name, price_cents, stock) VALUES
  ('TEA-SENCHA', 'Sencha, first harvest, 100 g', 1290, 500),
  ('TEA-ASSAM', 'Assam, broken leaf, 250 g', 890, 300),
  ('COF-YIRGA', 'Yirgacheffe, whole beans, 500 g', 1650, 200),
  ('JAM-QUINCE', 'Quince jelly, 220 g', 540, 120),
  ('OIL-WALNUT', 'Walnut oil, cold-pressed, 250 ml', 1120, 3);
