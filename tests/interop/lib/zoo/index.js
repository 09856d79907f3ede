'use strict';
// Every model of the zoo.

module.exports = [
  ...require('./core'), ...require('./images'), ...require('./sequences'), ...require('./graphs'), ...require('./preprocessing'),
  ...require('./training'),
];
