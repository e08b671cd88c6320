package main

// What names and texts are made of.
var (
	firstNames = []string{"Ines", "Tomás", "Wanjiru", "Henrik", "Yuki", "Priya", "Marek", "Noor", "Gwen", "Dmitri", "Aoife", "Luca", "Sanna", "Kofi", "Élise", "Bruno", "Mei", "Jonas", "Ruth", "Farid"}
	lastNames  = []string{"Almqvist", "Barreto", "Castellan", "Dunmore", "Eriksen", "Fontaine", "Gachanja", "Hoshino", "Ivanova", "Jansen", "Kowalczyk", "Lindgren", "Moreau", "Nakagawa", "O'Rourke", "Petrov", "Quispe", "Rahman", "Sørensen", "Tanaka"}
	trades     = []string{"Provisions", "Trading", "Larder", "Pantry", "Grocers", "Imports", "Market", "Deli", "Wholesale", "Stores"}
	places     = []string{"Harbour", "Old Mill", "North Quay", "Linden", "Copper Street", "Riverside", "Lantern", "Blue Door", "Saltmarsh", "Hilltop", "Orchard", "Three Bridges", "Kestrel", "Marigold", "Foundry"}
	cities     = []city{
		{"Lisboa", "Portugal"}, {"Porto", "Portugal"}, {"Göteborg", "Sweden"}, {"Malmö", "Sweden"}, {"Nairobi", "Kenya"}, {"Kraków", "Poland"}, {"Gdańsk", "Poland"},
		{"Osaka", "Japan"}, {"Sapporo", "Japan"}, {"Galway", "Ireland"}, {"Cork", "Ireland"}, {"Lyon", "France"}, {"Nantes", "France"}, {"Torino", "Italy"},
		{"Bari", "Italy"}, {"Valparaíso", "Chile"}, {"Oaxaca", "Mexico"}, {"Chennai", "India"}, {"Rotterdam", "Netherlands"}, {"Århus", "Denmark"},
	}
	titles     = []string{"Sales Representative", "Sales Representative", "Account Manager", "Export Clerk"}
	categories = []category{
		{"Drinks", ""}, {"Pantry", ""}, {"Fresh", ""}, {"Tea", "Drinks"}, {"Coffee", "Drinks"}, {"Juice", "Drinks"}, {"Spices", "Pantry"}, {"Preserves", "Pantry"},
		{"Grains", "Pantry"}, {"Oils", "Pantry"}, {"Cheese", "Fresh"}, {"Fish", "Fresh"}, {"Green tea", "Tea"}, {"Black tea", "Tea"}, {"Cured fish", "Fish"},
	}
	qualities = []string{"smoked", "hand-picked", "aged", "wild", "stone-ground", "cold-pressed", "sun-dried", "single-estate", "crushed", "whole", "unsalted", "double-roasted"}
	sorts     = []string{"sencha", "assam", "espresso", "paprika", "quince", "barley", "walnut oil", "gouda", "herring", "mackerel", "cardamom", "plum", "rye", "olive oil", "trout", "ginger", "apricot", "oolong", "buckwheat", "mustard"}
	notes     = []string{"fruity", "nutty", "smoky", "sharp", "mellow", "bitter", "floral", "peppery", "earthy", "bright"}
	uses      = []string{"with bread", "for slow cooking", "in salads", "after dinner", "for baking", "on its own", "with roasted vegetables", "for a long breakfast"}
	labels    = []string{"organic", "vegan", "fair trade", "gluten free", "limited"}
)

type city struct{ name, country string }

type category struct{ name, parent string }
